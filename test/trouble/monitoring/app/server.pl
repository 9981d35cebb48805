# Answers at once, unless it is told to be slow; `/fault` is always answered with 500. perl-base is on every Debian.
use strict;
use warnings;
use IO::Socket::INET;

my $listener = IO::Socket::INET->new(
    LocalAddr => $ENV{HOST}, LocalPort => $ENV{PORT}, Listen => 64, ReuseAddr => 1,
) or die "cannot listen: $@\n";
$SIG{TERM} = sub { exit 0 };
$SIG{CHLD} = "IGNORE";
while (my $client = $listener->accept) {
    # A slow answer is in nobody's way.
    if (fork) { close $client; next }
    my $request = <$client> // "";
    while (defined(my $line = <$client>)) { last unless $line =~ /\S/ }
    my ($path) = $request =~ m{^\S+ (\S+) };
    $path //= "";
    sleep 4 if $path eq "/" and -e "/etc/teller-is-slow";
    my $status = $path eq "/fault" ? "500 Internal Server Error" : "200 OK";
    my %texts = ("/healthz" => "healthy\n", "/metrics" => "teller_open 1\n");
    my $text = $texts{$path} // "$path\n";
    print $client "HTTP/1.1 $status\r\nContent-Type: text/plain\r\nContent-Length: ", length $text, "\r\nConnection: close\r\n\r\n$text";
    close $client;
    exit 0;
}
