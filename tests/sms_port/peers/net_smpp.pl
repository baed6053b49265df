# Debian's Net::SMPP as an SMSC on loopback: one id for every message, a receipt for each, and a citizen's TD at the end.
use strict;
use warnings;
use Net::SMPP;
$| = 1;
my $server = Net::SMPP->new_listen('127.0.0.1', port => 0, smpp_version => 0x34, listen => 5, timeout => 60)
    or die "cannot listen: $!";
print $server->sockport, "\n";
while (1) {
    my $peer = $server->accept or next;
    $peer->set_version(0x34);
    while (my $pdu = $peer->read_pdu) {
        my $command = $pdu->{cmd};
        if ($command == Net::SMPP::CMD_bind_transceiver) {
            $peer->bind_transceiver_resp(system_id => 'net-smpp', seq => $pdu->{seq});
        } elsif ($command == Net::SMPP::CMD_enquire_link) {
            $peer->enquire_link_resp(seq => $pdu->{seq});
        } elsif ($command == Net::SMPP::CMD_unbind) {
            $peer->unbind_resp(seq => $pdu->{seq});
            last;
        } elsif ($command == Net::SMPP::CMD_submit_sm) {
            $peer->submit_sm_resp(message_id => '123456789', seq => $pdu->{seq});
            my @now = gmtime(time + 8 * 3600);
            my $minute = sprintf('%02d%02d%02d%02d%02d', $now[5] % 100, $now[4] + 1, @now[3, 2, 1]);
            $peer->deliver_sm(
                source_addr => $pdu->{destination_addr}, destination_addr => $pdu->{source_addr}, esm_class => 4,
                short_message => "id:123456789 sub:001 dlvrd:001 submit date:$minute done date:$minute "
                    . 'stat:DELIVRD err:000 text:',
                async => 1);
            $peer->deliver_sm(
                source_addr => '8613900139000', destination_addr => $pdu->{source_addr}, data_coding => 8,
                short_message => "\0T\0D", async => 1);
        }
    }
}
