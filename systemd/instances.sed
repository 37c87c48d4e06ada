# Makes hi6gw@.service, the template for several gateways on one machine, of hi6gw.service: each instance has its own
# configuration, state directory and credentials, named after it, and the rest in common.
s|^Description=.*|& (%i)|
s|/etc/hi6gw/hi6gw\.yaml|/etc/hi6gw/%i.yaml|
s|^StateDirectory=hi6gw$|StateDirectory=hi6gw@%i|
s|^\(LoadCredential=[^:]*:hi6gw\)\.|\1@%i.|
