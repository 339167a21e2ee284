"""Memory that pixels of visitors live in, and the list of everything that forgets them.

Whatever is in this memory is in no swap file, no core dump and no child process
(`memory.pages`). No picture is kept: each of these overwrites or drops what it lists.

As soon as a frame has been used:

1. `memory.pool.Pool` zeroes a camera's picture when the last reference to it is gone.
2. `memory.buffers.Buffers` is zeroed after each detection: the reduced frame, the levels of the
   image pyramid, the crops and the networks' inputs.
3. `memory.device_buffers.DeviceBuffers` is zeroed after each reading: crops and batches, in main
   memory or on a graphics card. `naming.reading.crops.cut` zeroes the copies in between.
4. `seeing.cameras.webcam.Webcam.read` zeroes the array that OpenCV decoded a picture into, and
   `naming.networks.onnx_network` the array that it gives to onnxruntime.
5. `memory.buffers.overwrite_freed_memory` has the C library overwrite what is freed: the layers of
   the networks, and whatever else was computed from a picture. `guarding.stage_one` turns off the
   cache that would keep small blocks from it.

When nobody is there, or when the show ends, `forget()` (`memory.forgetting.PixelHolder`):

6. `seeing.faces.mtcnn.Mtcnn`, `seeing.faces.yunet.YuNet` and
   `naming.reading.classifier.CropClassifier` run their networks on black pictures, to overwrite
   what PyTorch, OpenCV and onnxruntime hold of the last frame.
7. The cameras (`seeing.cameras.webcam.Webcam`, `seeing.cameras.replay.Replay`,
   `seeing.cameras.hotplug.RehearsalUntilPlugged`) zero all their pictures, those in frames that
   something still refers to included.
8. `running.latest.Latest` drops the frame that waits.

When a part has failed:

9. `running.worker.Worker` and `show` clear the local variables of the traceback, so that no frame
   waits with the exception while the calm card is on the screen; `show` fills the window's surface
   with black.
"""
