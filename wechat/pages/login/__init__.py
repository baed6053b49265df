"""WeChat's login on the pages: OAuth that asks the citizen nothing."""
