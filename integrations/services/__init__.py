"""What integrations do. Other apps call these names; the modules beside hold them."""

from integrations.services.endpoints import create_endpoint, new_secret
from integrations.services.outbound import plan_write

__all__ = ["create_endpoint", "new_secret", "plan_write"]
