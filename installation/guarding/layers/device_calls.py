"""The ioctls that a running show makes on devices, by exact number: a set for each kind of device.

A filter sees the number of an ioctl but not the file, so an ioctl that is allowed for a graphics
card is allowed on every open file. Therefore a filter has the sets for graphics cards only on a
machine with a graphics card. The tests run on machines without a graphics card, so they cannot
trace these ioctls. Therefore these sets come from documentation and from the drivers' source code.
"""

from __future__ import annotations

CAMERA_IOCTLS = {
    "VIDIOC_QUERYCAP": 0x80685600,
    "VIDIOC_ENUM_FMT": 0xC0405602,
    "VIDIOC_S_FMT": 0xC0D05605,
    "VIDIOC_REQBUFS": 0xC0145608,
    "VIDIOC_QUERYBUF": 0xC0585609,
    "VIDIOC_QBUF": 0xC058560F,
    "VIDIOC_DQBUF": 0xC0585611,
    "VIDIOC_STREAMON": 0x40045612,
    "VIDIOC_STREAMOFF": 0x40045613,
    "VIDIOC_S_PARM": 0xC0CC5616,
    "VIDIOC_G_CTRL": 0xC008561B,
    "VIDIOC_S_CTRL": 0xC008561C,
    "VIDIOC_QUERYCTRL": 0xC0445624,
    "VIDIOC_QUERYMENU": 0xC02C5625,
    "VIDIOC_ENUM_FRAMESIZES": 0xC02C564A,
    "VIDIOC_ENUM_FRAMEINTERVALS": 0xC034564B,
}
"""The ioctls that the show makes on a camera (seeing/cameras). From include/uapi/linux/videodev2.h.

VIDIOC_LOG_STATUS is not among them, because it makes the driver write the camera's settings into
the kernel's log, and the show can choose these settings.
"""

OPENCV_IOCTLS = {
    "VIDIOC_G_FMT": 0xC0D05604,
    "VIDIOC_G_PARM": 0xC0CC5615,
    "VIDIOC_ENUMINPUT": 0xC050561A,
    "VIDIOC_G_INPUT": 0x80045626,
    "VIDIOC_S_INPUT": 0xC0045627,
    "VIDIOC_TRY_FMT": 0xC0D05640,
}
"""The ioctls that OpenCV makes on a camera besides `CAMERA_IOCTLS`. From OpenCV's
modules/videoio/src/cap_v4l.cpp.
"""

GRAPHICS_IOCTLS = {
    "DMA_BUF_IOCTL_SYNC": 0x40086200,
    "DMA_BUF_IOCTL_EXPORT_SYNC_FILE": 0xC0086202,
    "DMA_BUF_IOCTL_IMPORT_SYNC_FILE": 0x40086203,
    "SYNC_IOC_MERGE": 0xC0303E03,
    "SYNC_IOC_FILE_INFO": 0xC0383E04,
    "DRM_IOCTL_VERSION": 0xC0406400,
    "DRM_IOCTL_GEM_CLOSE": 0x40086409,
    "DRM_IOCTL_GET_CAP": 0xC010640C,
    "DRM_IOCTL_PRIME_HANDLE_TO_FD": 0xC00C642D,
    "DRM_IOCTL_PRIME_FD_TO_HANDLE": 0xC00C642E,
    "DRM_IOCTL_MODE_CREATE_DUMB": 0xC02064B2,  # pictures on a card without a driver of its own
    "DRM_IOCTL_MODE_MAP_DUMB": 0xC01064B3,
    "DRM_IOCTL_MODE_DESTROY_DUMB": 0xC00464B4,
    "DRM_IOCTL_SYNCOBJ_CREATE": 0xC00864BF,
    "DRM_IOCTL_SYNCOBJ_DESTROY": 0xC00864C0,
    "DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD": 0xC01064C1,
    "DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE": 0xC01064C2,
    "DRM_IOCTL_SYNCOBJ_WAIT": 0xC02064C3,
    "DRM_IOCTL_SYNCOBJ_RESET": 0xC01064C4,
    "DRM_IOCTL_SYNCOBJ_SIGNAL": 0xC01064C5,
    "DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT": 0xC02864CA,
    "DRM_IOCTL_SYNCOBJ_QUERY": 0xC01864CB,
    "DRM_IOCTL_SYNCOBJ_TRANSFER": 0xC02064CC,
    "DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL": 0xC01864CD,
    "DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD with a point": 0xC01864C1,
    "DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE with a point": 0xC01864C2,
    "DRM_IOCTL_SYNCOBJ_WAIT with a deadline": 0xC02864C3,
    "DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT with a deadline": 0xC03064CA,
}
"""The ioctls that OpenGL makes on a graphics card, in the window of an X server or of a Wayland
compositor. From include/uapi/drm/drm.h, linux/dma-buf.h and linux/sync_file.h.

The last four entries are variants of earlier entries with a larger argument. The size of the
argument is part of an ioctl's number. So a library that was built with newer kernel headers uses
another number for the same ioctl.
"""

CONSOLE_IOCTLS = {
    "DRM_IOCTL_SET_CLIENT_CAP": 0x4010640D,
    "DRM_IOCTL_SET_MASTER": 0x641E,
    "DRM_IOCTL_DROP_MASTER": 0x641F,
    "DRM_IOCTL_CRTC_GET_SEQUENCE": 0xC018643B,
    "DRM_IOCTL_WAIT_VBLANK": 0xC018643A,
    "DRM_IOCTL_MODE_GETRESOURCES": 0xC04064A0,
    "DRM_IOCTL_MODE_GETCRTC": 0xC06864A1,
    "DRM_IOCTL_MODE_SETCRTC": 0xC06864A2,
    "DRM_IOCTL_MODE_CURSOR": 0xC01C64A3,
    "DRM_IOCTL_MODE_GETENCODER": 0xC01464A6,
    "DRM_IOCTL_MODE_GETCONNECTOR": 0xC05064A7,
    "DRM_IOCTL_MODE_ADDFB": 0xC01C64AE,
    "DRM_IOCTL_MODE_RMFB": 0xC00464AF,
    "DRM_IOCTL_MODE_PAGE_FLIP": 0xC01864B0,
    "DRM_IOCTL_MODE_ADDFB2": 0xC06864B8,
    "DRM_IOCTL_MODE_OBJ_GETPROPERTIES": 0xC02064B9,
    "DRM_IOCTL_MODE_CURSOR2": 0xC02464BB,
}
"""The ioctls that SDL's driver `kmsdrm` makes besides `GRAPHICS_IOCTLS`. The driver sets the screen
itself, on a console without a display server. From include/uapi/drm/drm.h and SDL's
src/video/kmsdrm.

Two kinds of calls are left out: DRM_IOCTL_MODE_CREATEPROPBLOB, which stores bytes that another
program can read if it knows the number of the stored object, and the atomic interface, which SDL
does not use.
"""

DRIVER_CALLS = tuple(0x6440 + number for number in range(0x60))
"""The ioctls that each graphics driver defines for itself: family d, numbers 0x40 to 0x9F
(include/uapi/drm/drm.h). Each value is the lower 16 bits of the ioctl's number, without the
direction and the size of the argument. Which of these calls store something depends on the driver.
"""

NVIDIA_CALLS = {
    "NV_ESC_RM_ALLOC_MEMORY": 0x4627,
    "NV_ESC_RM_FREE": 0x4629,
    "NV_ESC_RM_CONTROL": 0x462A,
    "NV_ESC_RM_ALLOC": 0x462B,
    "NV_ESC_RM_DUP_OBJECT": 0x4634,
    "NV_ESC_RM_IDLE_CHANNELS": 0x4641,  # OpenGL
    "NV_ESC_RM_VID_HEAP_CONTROL": 0x464A,
    "NV_ESC_RM_MAP_MEMORY": 0x464E,
    "NV_ESC_RM_UNMAP_MEMORY": 0x464F,
    "NV_ESC_RM_ALLOC_CONTEXT_DMA2": 0x4654,  # OpenGL
    "NV_ESC_RM_MAP_MEMORY_DMA": 0x4657,  # OpenGL
    "NV_ESC_RM_UNMAP_MEMORY_DMA": 0x4658,  # OpenGL
    "NV_ESC_RM_UPDATE_DEVICE_MAPPING_INFO": 0x465E,
    "NV_ESC_CARD_INFO": 0x46C8,
    "NV_ESC_REGISTER_FD": 0x46C9,
    "NV_ESC_ALLOC_OS_EVENT": 0x46CE,
    "NV_ESC_FREE_OS_EVENT": 0x46CF,
    "NV_ESC_CHECK_VERSION_STR": 0x46D2,
    "NV_ESC_ATTACH_GPUS_TO_FD": 0x46D4,
    "NV_ESC_SYS_PARAMS": 0x46D6,
    "NV_ESC_NUMA_INFO": 0x46D7,
    "NV_ESC_WAIT_OPEN_COMPLETE": 0x46DA,
}
"""The ioctls of NVIDIA's driver. The bits for the size of the argument are left out, because the
sizes differ between versions of the driver. The numbers are from nv-ioctl-numbers.h,
nv-ioctl-numa.h and nv_escape.h of NVIDIA's open-gpu-kernel-modules. gVisor's nvproxy has a list of
the ioctls that CUDA and OpenGL need; the choice is from that list.

Three kinds of ioctls are left out, although nvproxy passes on some of them:

- ioctls that share the graphics card's memory with other programs: NV_ESC_RM_SHARE,
  NV_ESC_EXPORT_TO_DMABUF_FD, and the export of an object as a file descriptor;
- NV_ESC_IOCTL_XFER_CMD, which makes any other ioctl, whose number it reads from memory;
- ioctls that write the driver's registry or its configuration.
"""

UVM_CALLS = {
    "UVM_INITIALIZE": 0x30000001,
    "UVM_DEINITIALIZE": 0x30000002,
    "UVM_CREATE_RANGE_GROUP": 23,
    "UVM_DESTROY_RANGE_GROUP": 24,
    "UVM_REGISTER_GPU_VASPACE": 25,
    "UVM_UNREGISTER_GPU_VASPACE": 26,
    "UVM_REGISTER_CHANNEL": 27,
    "UVM_UNREGISTER_CHANNEL": 28,
    "UVM_SET_RANGE_GROUP": 31,
    "UVM_MAP_EXTERNAL_ALLOCATION": 33,
    "UVM_FREE": 34,
    "UVM_REGISTER_GPU": 37,
    "UVM_UNREGISTER_GPU": 38,
    "UVM_PAGEABLE_MEM_ACCESS": 39,
    "UVM_SET_PREFERRED_LOCATION": 42,
    "UVM_UNSET_PREFERRED_LOCATION": 43,
    "UVM_DISABLE_READ_DUPLICATION": 45,
    "UVM_UNSET_ACCESSED_BY": 47,
    "UVM_MIGRATE": 51,
    "UVM_MIGRATE_RANGE_GROUP": 53,
    "UVM_MAP_DYNAMIC_PARALLELISM_REGION": 65,
    "UVM_UNMAP_EXTERNAL": 66,
    "UVM_ALLOC_SEMAPHORE_POOL": 68,
    "UVM_VALIDATE_VA_RANGE": 72,
    "UVM_CREATE_EXTERNAL_RANGE": 73,
    "UVM_MM_INITIALIZE": 75,
}
"""The ioctls for CUDA's memory. Their numbers contain no family, direction or size of the argument.
From uvm_ioctl.h and uvm_linux_ioctl.h of open-gpu-kernel-modules. They were chosen from the list in
gVisor's nvproxy, as `NVIDIA_CALLS` were.

Calls such as UVM_TOOLS_READ_PROCESS_MEMORY, which read or write the memory of other programs, and
calls for access between several cards are left out.
"""
