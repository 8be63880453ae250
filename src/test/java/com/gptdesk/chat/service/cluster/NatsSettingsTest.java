package com.gptdesk.chat.service.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.HeardLog;
import com.gptdesk.chat.testing.NatsServer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who enters NATS is read from the address, and shown to nobody. */
class NatsSettingsTest {

  @Test
  void theUserIsNoPartOfTheAddress() {
    var settings = NatsSettings.of("nats://me:hush%40hush@one:4222, tls://two", null, "chat");
    assertEquals(List.of("nats://one:4222", "tls://two"), settings.servers());
    assertEquals("me", settings.user());
    assertEquals("hush@hush", settings.password());
    assertFalse(settings.toString().contains("hush"));
    assertEquals("hush", NatsSettings.of("nats://hush@one", null, "chat").user());
    assertNull(NatsSettings.of("nats://hush@one", null, "chat").password());
  }

  @Test
  void whatIsNoAddressIsNotRepeated() {
    for (String wrong : List.of("http://me:hush@one", "nats:hush", "nats://", "hush", "")) {
      var no =
          assertThrows(
              IllegalArgumentException.class, () -> NatsSettings.of(wrong, null, "chat"), wrong);
      assertFalse(String.valueOf(no.getMessage()).contains("hush"));
    }
  }

  @Test
  void aServerThatAsksForAUserIsEnteredByHimAlone() throws Exception {
    try (var server = new NatsServer("--user", "me", "--pass", "hush")) {
      String address = server.url().replace("//", "//me:%s@");
      for (String refused : List.of(server.url(), address.formatted("no"))) {
        try (var log = new HeardLog();
            var stranger = new NatsCluster(NatsSettings.of(refused, null, "chat"))) {
          stranger.connect();
          Await.until("it has tried", () -> log.has("No connection to NATS"));
          assertFalse(stranger.isConnected());
        }
      }
      try (var right = new NatsCluster(NatsSettings.of(address.formatted("hush"), null, "chat"))) {
        right.connect();
        Await.until("the one who may", right::isConnected);
      }
    }
    try (var server = new NatsServer("--auth", "hush");
        var right =
            new NatsCluster(NatsSettings.of(server.url().replace("//", "//hush@"), null, "chat"))) {
      right.connect();
      Await.until("the one with the token", right::isConnected);
      assertTrue(right.isConnected());
    }
  }
}
