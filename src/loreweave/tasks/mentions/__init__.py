"""What tasks that classify mentions share: files, inputs with markers, and a classifier over markers."""
