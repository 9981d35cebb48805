from django.http import HttpResponse
from django.templatetags.static import static
from django.urls import path

from orders.models import Order


def up(request):
    Order.objects.exists()
    return HttpResponse("up\n", content_type="text/plain")


def orders(request):
    if request.method == "POST":
        Order.objects.create(product=request.POST["product"])
        return HttpResponse(status=201)
    products = Order.objects.values_list("product", flat=True)
    return HttpResponse("".join(f"{product}\n" for product in products), content_type="text/plain")


def style(request):
    return HttpResponse(static("app.css"), content_type="text/plain")


urlpatterns = [path("up", up), path("orders", orders), path("style", style)]
