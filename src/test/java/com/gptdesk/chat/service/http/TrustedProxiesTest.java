package com.gptdesk.chat.service.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Only a proxy that is trusted may say who somebody is. */
class TrustedProxiesTest {
  private final TrustedProxies ours = TrustedProxies.in(List.of("10.0.0.0/8", "::1", "192.0.2.7"));

  @Test
  void withoutAnyTheHeaderIsNotBelieved() {
    assertEquals("10.0.0.1", TrustedProxies.none().client("10.0.0.1", List.of("203.0.113.5")));
  }

  @Test
  void aTrustedProxySaysWhoAsks() {
    assertEquals("203.0.113.5", ours.client("10.0.0.1", List.of("203.0.113.5")));
    assertEquals("203.0.113.5", ours.client("192.0.2.7", List.of("203.0.113.5, 10.9.9.9")));
    assertEquals("203.0.113.5", ours.client("10.0.0.1", List.of("203.0.113.5", "10.9.9.9")));
    assertEquals("192.0.2.8", ours.client("192.0.2.8", List.of("203.0.113.5"))); // the control
  }

  @Test
  void whatTheClientItselfWroteIsNotBelieved() {
    assertEquals("203.0.113.5", ours.client("10.0.0.1", List.of("198.51.100.1, 203.0.113.5")));
  }

  @Test
  void whatIsNoAddressEndsTheSearch() {
    assertEquals("10.0.0.1", ours.client("10.0.0.1", List.of("203.0.113.5, localhost")));
    assertEquals("10.0.0.1", ours.client("10.0.0.1", List.of()));
  }

  @Test
  void aHouseholdOfIpv6IsOneAddress() {
    String one = ours.client("2001:db8:1:2::a", List.of());
    assertEquals(one, ours.client("2001:db8:1:2:ffff::b", List.of()));
    assertEquals(one, ours.client("::1", List.of("2001:db8:1:2::c")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "proxy.example", "10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0"})
  void whatIsNoNetworkIsRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> TrustedProxies.in(List.of(text)));
  }
}
