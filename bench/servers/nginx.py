"""Hello World! by nginx, one worker: `nginx.py HOST PORT FOLDER`. Its configuration and files go into FOLDER/nginx-PORT."""

import os
import shutil
import sys
from pathlib import Path

# Connections stay for more than its 1,000 requests: here they are to be measured, not the opening of new ones.
CONFIGURATION = """
daemon off;
worker_processes 1;
pid pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path temp;
    proxy_temp_path temp;
    fastcgi_temp_path temp;
    uwsgi_temp_path temp;
    scgi_temp_path temp;
    default_type text/plain;
    keepalive_requests 1000000000;
    server {{
        listen {host}:{port} backlog=1024;
        location / {{ return 200 "Hello World!"; }}
    }}
}}
"""

host, port = sys.argv[1], int(sys.argv[2])
folder = Path(sys.argv[3]).resolve() / f"nginx-{port}"
folder.mkdir(parents=True, exist_ok=True)
configuration = folder / "nginx.conf"
configuration.write_text(CONFIGURATION.format(host=host, port=port))
nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
if nginx is None:
    sys.exit("nginx.py: there is no nginx; bench/setup.sh installs it")
# In its place, so that it is nginx that is watched and ended.
os.execv(nginx, [nginx, "-e", "stderr", "-p", str(folder), "-c", str(configuration)])
