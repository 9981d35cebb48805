/**
 * Request headers by which a proxy tells of the client. Of a client itself none is believed: the load balancer removes them
 * all, with every `X-Forwarded-*`, and sets its own.
 */
export const forwardingHeaders = [
  "Forwarded",
  "X-Real-IP",
  "X-Client-IP",
  "X-Cluster-Client-IP",
  "X-Original-Forwarded-For",
  "X-Original-Host",
  "X-Original-URL",
  "X-Rewrite-URL",
  "X-Scheme",
  "X-Url-Scheme",
  "Front-End-Https",
  "True-Client-IP",
  "CF-Connecting-IP",
  "Fastly-Client-IP",
  "Client-IP",
  // Programs under CGI take it for their own HTTP_PROXY.
  "Proxy",
] as const;

/** Those `X-Forwarded-*` that applications are known to read and that are not set anew. Nginx has no word for all of them. */
export const otherForwardedHeaders = [
  "X-Forwarded",
  "X-Forwarded-By",
  "X-Forwarded-Path",
  "X-Forwarded-Prefix",
  "X-Forwarded-Protocol",
  "X-Forwarded-Scheme",
  "X-Forwarded-Server",
  "X-Forwarded-Ssl",
  "X-Forwarded-Uri",
  "X-Forwarded-User",
] as const;
