"""Calls to WeChat's API for official accounts: menus, notices, page scripts."""
