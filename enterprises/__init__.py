"""The port to partners: build, sign, send and parse the lookup protocol. It knows no inquiry."""
