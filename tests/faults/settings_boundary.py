"""Pages that test the boundary; with FAULTS_WITHOUT_BOUNDARY the middleware that sets the tenant is left out."""

import os

from tests.faults.settings import *  # noqa: F403
from tests.faults.settings import MIDDLEWARE

ROOT_URLCONF = "tests.faults.urls_boundary"
if os.environ.get("FAULTS_WITHOUT_BOUNDARY"):
    MIDDLEWARE = [name for name in MIDDLEWARE if name != "tenants.middleware.TenantTransaction"]
