"""The driver for gateways that speak the HTTP protocol of docs/sms-http-link.md."""
