from django.conf import settings


def page(request):
    return {"product_name": settings.PRODUCT_NAME}
