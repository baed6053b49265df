"""The commands of this folder, one file each."""
