"""WeChat's pushes: checked, decrypted, answered within five seconds."""
