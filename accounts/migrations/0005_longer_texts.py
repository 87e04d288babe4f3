from django.db import migrations, models


class Migration(migrations.Migration):
    """The import format names no limit for these. A longer varchar changes the catalogue alone, no row and no index."""

    dependencies = [
        ("accounts", "0004_erased_people"),
    ]

    operations = [
        migrations.AlterField(
            model_name="account",
            name="country",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="account",
            name="domain",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="account",
            name="industry",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="account",
            name="plan",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="account",
            name="region",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="activity",
            name="subject",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="article",
            name="product",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="article",
            name="title",
            field=models.CharField(max_length=10000),
        ),
        migrations.AlterField(
            model_name="companyevent",
            name="headline",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="companyevent",
            name="url",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="contact",
            name="department",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="contact",
            name="name",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="contact",
            name="title",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="milestone",
            name="name",
            field=models.CharField(max_length=10000),
        ),
        migrations.AlterField(
            model_name="objective",
            name="metric",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="objective",
            name="name",
            field=models.CharField(max_length=10000),
        ),
        migrations.AlterField(
            model_name="opportunity",
            name="name",
            field=models.CharField(max_length=10000),
        ),
        migrations.AlterField(
            model_name="opportunity",
            name="next_step",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="opportunity",
            name="stage",
            field=models.CharField(max_length=10000),
        ),
        migrations.AlterField(
            model_name="outcome",
            name="reason",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="product",
            name="category",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="product",
            name="family",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="product",
            name="name",
            field=models.CharField(max_length=10000),
        ),
        migrations.AlterField(
            model_name="subscription",
            name="cancel_reason",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="subscription",
            name="plan",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="subscription",
            name="product",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="ticket",
            name="category",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="ticket",
            name="product",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
        migrations.AlterField(
            model_name="ticket",
            name="subject",
            field=models.CharField(blank=True, default="", max_length=10000),
        ),
    ]
