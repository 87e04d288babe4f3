"""Small customer bases for one scenario each, put into the running app's database by a process of their own."""
