"""Sources of frames: cameras, films, folders of pictures and the rehearsal."""
