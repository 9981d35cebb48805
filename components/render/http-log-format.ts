/** HAProxy's `option httplog` as a format (manual, 8.2.3), to which more can be added. HAProxy 2.6 has no variable of it. */
export const httpLogFormat =
  "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";
