package com.gptdesk.chat.service.webhooks;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;

/**
 * Where an event may be posted to. The name is resolved once, and the connection goes to the
 * address that was checked.
 *
 * @param uri what the operator wrote
 * @param address of its host
 */
record WebhookAddress(URI uri, InetAddress address) {

  /** Nothing may be posted there; the message says why. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1;

    Refused(String message) {
      super(message);
    }
  }

  /**
   * Resolves and checks.
   *
   * @param names resolves the host
   * @param isPrivateAllowed whether private addresses are allowed, and http there
   * @throws Refused it may not be posted there, or the host has no address in time
   */
  static WebhookAddress of(String url, HostNames names, boolean isPrivateAllowed) throws Refused {
    URI uri;
    try {
      uri = new URI(url);
    } catch (URISyntaxException e) {
      throw new Refused("not an address: " + e.getMessage());
    }
    if (uri.getHost() == null) {
      throw new Refused("the address has no host");
    }
    InetAddress[] resolved = names.of(uri.getHost());
    boolean isPrivate = false;
    for (InetAddress one : resolved) {
      isPrivate |= isPrivate(one);
    }
    if (isPrivate && !isPrivateAllowed) {
      throw new Refused(
          uri.getHost() + " has a private address; CHAT_WEBHOOK_PRIVATE_ADDRESSES allows them");
    }
    if (!isPrivate && !"https".equalsIgnoreCase(uri.getScheme())) {
      throw new Refused("outside private networks the address begins with https://");
    }
    return new WebhookAddress(uri, resolved[0]);
  }

  boolean isSecure() {
    return "https".equalsIgnoreCase(uri.getScheme());
  }

  int port() {
    return uri.getPort() > 0 ? uri.getPort() : isSecure() ? 443 : 80;
  }

  /** Path and query. */
  String target() {
    String path = uri.getRawPath();
    return (path == null || path.isEmpty() ? "/" : path)
        + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery());
  }

  /** Whether the address is of this machine, of a private network or of no single machine. */
  static boolean isPrivate(InetAddress address) {
    if (address.isAnyLocalAddress()
        || address.isLoopbackAddress()
        || address.isLinkLocalAddress()
        || address.isSiteLocalAddress()
        || address.isMulticastAddress()) {
      return true;
    }
    byte[] bytes = address.getAddress();
    int first = bytes[0] & 0xff;
    int second = bytes[1] & 0xff;
    if (address instanceof Inet6Address) {
      boolean isUniqueLocal = (first & 0xfe) == 0xfc;
      // What stands for an address of version 4 by translation: 64:ff9b::/96 and its kin, 6to4, and
      // ::/8.
      boolean isTranslated = first == 0x00 || (first == 0x20 && second == 0x02);
      return isUniqueLocal || isTranslated;
    }
    return first == 0
        || (first == 100 && (second & 0xc0) == 64) // carriers' networks
        || (first == 192 && second == 0 && bytes[2] == 0)
        || (first == 198 && (second & 0xfe) == 18)
        || first >= 240;
  }
}
