"""The Aliyun SMS driver."""
