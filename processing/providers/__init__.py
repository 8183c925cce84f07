"""Models of other companies and servers: what they are asked, how, and what their answers mean."""
