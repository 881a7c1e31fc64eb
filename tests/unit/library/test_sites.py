"""Examples of blocks that answer requests, or pass them on."""

from __future__ import annotations

from tests.unit.library.examples import content, example_of, planned, role_plan


def test_apache_site() -> None:
    role = role_plan("apache_site", example_of("apache_site"))
    plan = role.components["example"]
    assert set(role.packages) == {"apache2", "libapache2-mod-php", "php-mysql", "php-gd"}
    lines = content(plan, "/etc/apache2/sites-enabled/test-service-example.conf").splitlines()
    assert lines[0] == "<VirtualHost *:80>"
    assert '    DocumentRoot "/srv/www"' in lines
    assert '    php_admin_value memory_limit "256M"' in lines
    assert '    ProxyPass "/api/" "http://127.0.0.1:8080/" connectiontimeout=2 retry=1' in lines
    assert plan.files["/srv/www/css/site.css"].source == "html/css/site.css"
    assert [(script.when, script.arguments) for script in plan.scripts] == [("before_units", ("proxy", "proxy_http"))]
    assert "/srv/www/" in plan.units["apache2.service"].reload_on
    assert plan.http_health is not None


def test_apache_site_of_a_packaged_application() -> None:
    given = {"aliases": {"/wp-content": "/var/lib/wp"}, "fallback": "/index.php", "names": ["a.org", "b.org"]}
    plan = planned("apache_site", {**given, "port": 8081, "settings": {"Redirect": "/old /new"}})
    lines = content(plan, "/etc/apache2/sites-enabled/test-service-example.conf").splitlines()
    assert {"    ServerName a.org", "    ServerAlias b.org", "    Redirect /old /new"} <= set(lines)
    assert '    Alias "/wp-content" "/var/lib/wp"' in lines
    assert lines.count("        FallbackResource /index.php") == 1
    assert (plan.http_health, plan.scripts[0].arguments) == (None, ())


def test_nginx_site() -> None:
    plan = planned("nginx_site")
    path = "/etc/nginx/conf.d/test-service-example.conf"
    text = content(plan, path)
    assert "    server 127.0.0.1:8080 max_fails=2 fail_timeout=10s;\n" in text
    assert "    listen 80;\n" in text
    assert plan.absent == ("/etc/nginx/sites-enabled/default",)
    assert plan.units["nginx.service"].reload_on == ("/etc/hosts", path, "/etc/nginx/test-service-example.pem")
    assert [(script.name, script.when) for script in plan.scripts] == [("validate", "before_units")]
    assert plan.http_health is not None


def test_nginx_site_before_others() -> None:
    plan = planned(
        "nginx_site",
        {"upstreams": ["http://a.b:80", "c:81/"], "names": ["x.org", "*.x.org"], "settings": {"gzip": "on"}},
    )
    text = content(plan, "/etc/nginx/conf.d/test-service-example.conf")
    assert "server a.b:80 max" in text
    assert "server c:81 max" in text
    assert "    server_name x.org *.x.org;\n" in text
    assert "    gzip on;\n" in text
    assert plan.http_health is None


def test_nginx_site_with_tls() -> None:
    pem = "/etc/nginx/test-service-example.pem"
    plan = planned("nginx_site", {"upstreams": ["a:80"], "port": 443, "certificate": "{{ config.key }}", "health": "/"})
    assert f"    listen 443 ssl;\n    ssl_certificate {pem};\n    ssl_certificate_key {pem};\n" in content(
        plan, "/etc/nginx/conf.d/test-service-example.conf"
    )
    assert (plan.files[pem].content, plan.files[pem].mode) == ("@@soop-secret:key@@\n", "0600")
    assert plan.http_health is not None
    assert plan.http_health.tls


def test_haproxy() -> None:
    plan = planned("haproxy")
    text = content(plan, "/etc/haproxy/conf.d/test-service-example.cfg")
    assert "    server 127.0.0.1_8080 127.0.0.1:8080\n" in text
    assert "    bind *:443 ssl crt /etc/haproxy/test-service-example.pem alpn h2,http/1.1\n" in text
    assert "    http-check send meth GET uri /health ver HTTP/1.1 hdr Host test-service-example\n" in text
    assert plan.files["/etc/haproxy/test-service-example.pem"].mode == "0600"
    assert plan.units["haproxy.service"].reload_on == ("/etc/haproxy", "/etc/hosts")
    assert plan.http_health is not None
    assert plan.http_health.tls


def test_haproxy_before_others() -> None:
    plan = planned("haproxy", {"upstreams": ["http://a.b:80", "c:81/"], "frontend": ["option httpclose"]})
    text = content(plan, "/etc/haproxy/conf.d/test-service-example.cfg")
    assert "    server a.b_80 a.b:80\n    server c_81 c:81\n" in text
    assert "    bind *:80\n" in text
    assert "    option httpclose\n" in text
    assert "httpchk" not in text
    assert plan.http_health is None
