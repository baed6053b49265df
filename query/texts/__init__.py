"""An inquiry by text message: what a citizen's text asks for, and the short conversation that leads to an inquiry."""
