package com.gptdesk.chat.service.http;

import io.netty.handler.ipfilter.IpFilterRuleType;
import io.netty.handler.ipfilter.IpSubnetFilterRule;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The proxies whose {@code X-Forwarded-For} is trusted. Without one, the client is the connected
 * address, since anybody can send the header.
 */
public final class TrustedProxies {
  private static final int IPV6_BYTES = 16;
  private static final int IPV6_NETWORK_BYTES = 8; // the part that one household or machine gets

  private final List<IpSubnetFilterRule> networks;

  private TrustedProxies(List<IpSubnetFilterRule> networks) {
    this.networks = networks;
  }

  /** Trusts no proxy. */
  public static TrustedProxies none() {
    return new TrustedProxies(List.of());
  }

  /**
   * Trusts these networks.
   *
   * @param networks as {@code 10.0.0.0/8}, {@code 127.0.0.1} or {@code fd00::/8}
   * @throws IllegalArgumentException one of them is not a network
   */
  public static TrustedProxies in(List<String> networks) {
    return new TrustedProxies(networks.stream().map(TrustedProxies::network).toList());
  }

  private static IpSubnetFilterRule network(String text) {
    String[] parts = text.split("/", 2);
    InetAddress address = literal(parts[0]);
    if (address == null) {
      throw new IllegalArgumentException(text + " is not a network");
    }
    int bits = 8 * address.getAddress().length;
    return new IpSubnetFilterRule(
        address, parts.length == 1 ? bits : Integer.parseInt(parts[1]), IpFilterRuleType.ACCEPT);
  }

  /**
   * The client's address: read from the right, the first address that is not a trusted proxy. For
   * IPv6 it is the network of 64 bits, since a client can use any address in it.
   *
   * @param connected the address at the other end of the connection
   * @param forwardedFor all {@code X-Forwarded-For} headers, in order
   */
  public String client(String connected, List<String> forwardedFor) {
    InetAddress client = literal(connected);
    if (client == null) {
      return connected;
    }
    String[] hops = String.join(",", forwardedFor).split(",", -1);
    for (int i = hops.length - 1; i >= 0 && trusts(client); i--) {
      InetAddress next = literal(hops[i].strip());
      if (next == null) {
        break;
      }
      client = next;
    }
    return counted(client);
  }

  /** Whether what this address says of its client is believed. */
  public boolean trusts(String connected) {
    InetAddress address = literal(connected);
    return address != null && trusts(address);
  }

  private boolean trusts(InetAddress address) {
    InetSocketAddress socket = new InetSocketAddress(address, 0);
    return networks.stream().anyMatch(network -> network.matches(socket));
  }

  private static String counted(InetAddress address) {
    byte[] bytes = address.getAddress();
    return bytes.length == IPV6_BYTES
        ? NetUtil.bytesToIpAddress(
            Arrays.copyOf(Arrays.copyOf(bytes, IPV6_NETWORK_BYTES), IPV6_BYTES))
        : address.getHostAddress();
  }

  /** Never asks a name server. */
  private static @Nullable InetAddress literal(String text) {
    return NetUtil.createInetAddressFromIpAddressString(text);
  }
}
