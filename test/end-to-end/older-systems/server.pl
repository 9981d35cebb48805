# An application for any Debian: perl-base is on all of them. One request after the other.
use strict;
use warnings;
use IO::Socket::INET;

my $listener = IO::Socket::INET->new(
    LocalAddr => $ENV{HOST}, LocalPort => $ENV{PORT}, Listen => 64, ReuseAddr => 1,
) or die "cannot listen: $@\n";
$SIG{TERM} = sub { exit 0 };
while (my $client = $listener->accept) {
    my $request = <$client> // "";
    my $length = 0;
    while (defined(my $line = <$client>)) {
        last unless $line =~ /\S/;
        $length = $1 if $line =~ /^content-length: *(\d+)/i;
    }
    my $body = "";
    read($client, $body, $length) if $length;
    my $text = $request =~ m{^GET /healthz } ? "healthy\n" : "$ENV{HOST_NAME} got " . length($body) . " bytes\n";
    print $client "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ", length $text, "\r\nConnection: close\r\n\r\n$text";
    close $client;
}
