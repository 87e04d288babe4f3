from django.db import models


class Colour(models.Model):
    """A table of the next release."""

    name = models.CharField(max_length=20)

    class Meta:
        indexes = [models.Index(fields=["name"], name="faults_next_colour_ix")]
