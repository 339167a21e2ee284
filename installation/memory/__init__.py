"""Memory for the pixels of visitors, and the list of every mechanism that erases them.

The content of this memory is never in a core dump or a child process, and never in swap as far as
the system allows it to be locked: see `memory.pages`. No picture is kept: each of the following
parts overwrites or drops its pixels.

These parts erase pixels as soon as a frame has been used:

1. `memory.pool.Pool`: a camera's picture is zeroed when the last reference to it is gone.
2. `memory.buffers.Buffers`: the reduced frame, the image pyramid, the crops and the inputs of the
   detectors' networks are zeroed after each detection. The crops and batches of
   `naming.reading.classifier.CropClassifier` are in buffers of this kind too, and are zeroed after
   each reading. On a graphics card `naming.networks.torch_network.TorchNetwork` and
   `naming.reading.device_classifier.DevicePass` zero the batch. `showing.painter.Painter` zeroes
   the pictures that it makes between a frame and the display's surface.
3. `memory.onnx_session`: what ONNX Runtime's networks have computed is in one arena, a region of
   memory that they share. It is returned to the C library after each detection.
   `naming.networks.onnx_network` zeroes the array that a foreign network is given.
4. `seeing.cameras.webcam.Webcam` zeroes the array that OpenCV has decoded a picture into.
5. `memory.buffers.overwrite_freed_memory`: the C library overwrites all memory that is freed, such
   as the memory with the results of the networks' layers. `guarding.stage_one` turns off the C
   library's cache, which would keep small freed blocks without overwriting them.

These parts erase or drop pixels when `forget()` is called (`memory.forgetting.PixelHolder`).
`show.analysis.Analysis` calls it when no visitor is present and when the analysis ends.
`show.live.LiveShow` calls it when the show ends or has failed:

6. Detectors: `seeing.faces.mtcnn.Mtcnn` returns the arena's memory to the C library.
   `seeing.faces.yunet.YuNet` runs its network on a black picture, which overwrites what OpenCV
   still holds of the last frame.
   Classifiers: `naming.reading.classifier.CropClassifier` calls `forget()` of its encoder.
   `naming.networks.efficientnet.EfficientNetLite0` and `naming.networks.onnx_network.OnnxNetwork`
   return the arena's memory. `naming.networks.torch_network.TorchEncoder` and, on a graphics card,
   `OnnxNetwork` run their networks on zeros, which overwrites what PyTorch or the card still holds.
   `naming.reading.device_classifier.DeviceClassifier` replays its captured passes on zeros. No show
   uses `naming.networks.confined_network.ConfinedNetwork`: it processes an artist's pictures.
7. `seeing.cameras.webcam.Webcam`, `seeing.cameras.played.replay.Replay` and
   `seeing.cameras.hotplug.RehearsalUntilPlugged` zero all pictures of their pool, even those in
   frames that are still in use.
8. `running.latest.Latest` drops a frame that no thread has taken yet, and `show.mirror.Mirror`
   drops the frame that is shown; `show.live.LiveShow` fills the window's surface with black.

These parts drop other data about visitors, which contain no pixels:

9. `seeing.tracker.Tracker`, `seeing.presence.presence.Presence` and
   `naming.reading.settler.Settler` drop a visitor's box, announcement, scores and name when the
   visitor leaves. `forget()`, which is called when the analysis ends, drops these data of all
   visitors; it reaches the tracker through `seeing.finder.FaceFinder`.
   `showing.type.fonts.Fonts` drops a text, such as a name with its share, within a second after the
   text has left the screen; `forget()` of `show.mirror.Mirror` drops all texts at once.

After a failure, these parts drop their references to pixels:

10. `running.worker.Worker` and `show.show.Show` clear the local variables of the traceback, so
    that the exception keeps no frame while the screen shows a card instead of the camera's picture.
"""
