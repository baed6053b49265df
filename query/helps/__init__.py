"""Inquiries for a relative (帮家人查): the helper's wish, the offer by SMS, and the relative's answer to it."""
