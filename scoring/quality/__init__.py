"""The model quality page: how true the chances were, and whose overrides came true."""
