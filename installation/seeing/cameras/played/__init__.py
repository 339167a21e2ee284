"""Films, folders of pictures and the rehearsal, which are played as if they were cameras."""
