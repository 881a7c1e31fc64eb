useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin _api
rm -f /etc/nginx/sites-enabled/default
systemctl enable --now access-service-api
nginx -t -q
systemctl enable --now nginx
