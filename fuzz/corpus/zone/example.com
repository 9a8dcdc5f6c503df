; The static records of example.com: an ordinary master file (RFC 1035), complete without its steering file.
; example.com.toml beside it steers some of these names; their addresses here are the last resort.

$ORIGIN example.com.
$TTL 3600

@           IN  SOA ns1 hostmaster (
                2026010101      ; serial
                7200            ; refresh
                900             ; retry
                1209600         ; expire
                300 )           ; negative answers are cached this long

            IN  NS      ns1
            IN  NS      ns2
            IN  MX      10 mail
            IN  TXT     "v=spf1 mx -all"
            IN  CAA     0 issue "ca.example.net"

; the last resort of the apex and of www
@       300 IN  A       192.0.2.80
        300 IN  AAAA    2001:db8::80
www     300 IN  A       192.0.2.80
        300 IN  AAAA    2001:db8::80

; what secondaries answer that do not steer
eu.www  300 IN  A       192.0.2.80
        300 IN  AAAA    2001:db8::80
*.edge  300 IN  A       192.0.2.80
        300 IN  AAAA    2001:db8::80

; the last resort of static, a steered CNAME
static  300 IN  CNAME   fallback.cdn.example.net.

; never steered
ns1         IN  A       192.0.2.53
            IN  AAAA    2001:db8::53
ns2         IN  A       198.51.100.53
            IN  AAAA    2001:db8:1::53
mail        IN  A       192.0.2.25
            IN  AAAA    2001:db8::25
docs        IN  CNAME   www
*.wild      IN  A       192.0.2.81
_sip._tcp   IN  SRV     0 5 5060 mail

; delegated to others
lab         IN  NS      ns.lab
ns.lab      IN  A       203.0.113.53
