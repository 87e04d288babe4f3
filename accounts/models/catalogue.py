"""What the vendor has: products and articles."""

from django.db import models
from django.utils import timezone

from accounts.models.fields import LONGEST, empty_text
from tenants.scoping import TenantModel


class Product(TenantModel):
    external_id = models.CharField(max_length=200)
    name = models.CharField(max_length=LONGEST)
    category = empty_text()
    family = empty_text()
    source = models.CharField(max_length=60, default="import")
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "external_id"], name="product_id_once")]


class Article(TenantModel):
    external_id = models.CharField(max_length=200)
    title = models.CharField(max_length=LONGEST)
    body = models.TextField()
    product = empty_text()
    updated_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=60, default="import")
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "external_id"], name="article_id_once")]
