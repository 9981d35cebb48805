# Says what it was told of the visitor. perl-base is on every Debian. A process for each request.
use strict;
use warnings;
use IO::Socket::INET;

my $listener = IO::Socket::INET->new(
    LocalAddr => $ENV{HOST}, LocalPort => $ENV{PORT}, Listen => 64, ReuseAddr => 1,
) or die "cannot listen: $@\n";
$SIG{CHLD} = "IGNORE";
$SIG{TERM} = sub { exit 0 };
while (1) {
    my $client = $listener->accept or next;
    if (fork) { close $client; next }
    my $request = <$client> // "";
    my %header;
    while (defined(my $line = <$client>)) {
        last unless $line =~ /\S/;
        $header{lc $1} = $2 if $line =~ /^([^:]+): *(.*?)\r?$/;
    }
    my $length = $header{"content-length"} // 0;
    my $body = "";
    read($client, $body, $length) if $length;
    my ($path) = $request =~ m{^\S+ (\S+) };
    $path //= "";
    sleep 4 if $path eq "/slow";
    my $own = $path eq "/own" ? "Referrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n" : "";
    my $text = $path eq "/healthz" ? "healthy\n" : join "", "$path\n", map { "$_: $header{$_}\n" } sort keys %header;
    print $client "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${own}Content-Length: ", length $text, "\r\nConnection: close\r\n\r\n$text";
    close $client;
    exit 0;
}
