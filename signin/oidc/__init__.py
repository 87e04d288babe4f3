"""The company's sign-in by OpenID Connect. Installed, and its libraries loaded, only where it is configured."""
