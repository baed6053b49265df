"""The port to the SMS network: a message is sent once; receipts come back. It knows no inquiry."""
