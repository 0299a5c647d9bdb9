"""WSGI entry point."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cardiocare_site.settings")

application = get_wsgi_application()
gc.freeze()  # what is loaded stays: it need not be searched for garbage again and again
