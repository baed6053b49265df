"""The pages of an inquiry for a relative (帮家人查): the form, and what it says once it is sent."""
