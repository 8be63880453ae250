package com.gptdesk.chat.service.realtime.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

/** Both framings say the same. */
class SerializersTest {
  private static final String JOIN =
      """
      {"config":{"broadcast":{"ack":false,"self":false},"presence":{"key":"","enabled":false},
      "postgres_changes":[{"event":"INSERT","schema":"public","table":"m","filter":"a=eq.1"},null],
      "private":"True"},"access_token":"jwt","version":"realtime-js/2.119.1"}""";

  private static final JoinConfig CONFIG = new JoinConfig(false, false, false, "", false, false);

  private final Serializer objects = new SerializerV1();
  private final Serializer arrays = new SerializerV2();

  @Test
  void theVersionIsTheClientsChoiceAndOneWhenItDoesNotSay() {
    assertInstanceOf(SerializerV1.class, Serializers.ofVersion(null));
    assertInstanceOf(SerializerV1.class, Serializers.ofVersion("1.0.0"));
    assertInstanceOf(SerializerV2.class, Serializers.ofVersion("2.0.0"));
    assertNull(Serializers.ofVersion("3.0.0"));
  }

  @Test
  void aJoinIsReadTheSameInBothVersions() {
    ClientMessage one =
        objects.decode(
            "{\"topic\":\"realtime:t\",\"event\":\"phx_join\",\"payload\":"
                + JOIN
                + ",\"ref\":\"1\",\"join_ref\":\"2\"}");
    ClientMessage two = arrays.decode("[\"2\",\"1\",\"realtime:t\",\"phx_join\"," + JOIN + "]");

    ObjectNode binding =
        Json.object()
            .put("event", "INSERT")
            .put("schema", "public")
            .put("table", "m")
            .put("filter", "a=eq.1");
    assertEquals(
        new ClientMessage.Join("realtime:t", "1", "2", List.of(binding), true, "jwt", CONFIG), one);
    assertEquals(one, two);
  }

  @Test
  void aJoinWithNothingUsableInItIsAJoin() {
    var expected =
        new ClientMessage.Join("realtime:t", null, null, List.of(), false, null, JoinConfig.NONE);
    for (String payload :
        List.of(
            "{}", "null", "[]", "7", "{\"config\":7}", "{\"config\":{\"postgres_changes\":{}}}")) {
      assertEquals(
          expected,
          arrays.decode("[null,null,\"realtime:t\",\"phx_join\"," + payload + "]"),
          payload);
    }
  }

  @Test
  void theOtherMessages() {
    assertEquals(
        new ClientMessage.Heartbeat("phoenix", "7", null),
        arrays.decode("[null,\"7\",\"phoenix\",\"heartbeat\",{}]"));
    assertEquals(
        new ClientMessage.Leave("realtime:t", "8", "2"),
        arrays.decode("[\"2\",\"8\",\"realtime:t\",\"phx_leave\",{}]"));
    assertEquals(
        new ClientMessage.AccessToken("realtime:t", "9", "2", null),
        arrays.decode("[\"2\",\"9\",\"realtime:t\",\"access_token\",{\"access_token\":null}]"));
    assertEquals(
        new ClientMessage.Presence("realtime:t", "10", "2", "track", Json.object().put("a", 1)),
        arrays.decode(
            "[\"2\",\"10\",\"realtime:t\",\"presence\",{\"type\":\"presence\",\"event\":\"track\",\"payload\":{\"a\":1}}]"));
    assertEquals(
        new ClientMessage.Unknown("realtime:t", "11", "2", "what"),
        arrays.decode("[\"2\",\"11\",\"realtime:t\",\"what\",{}]"));
    assertEquals(
        new ClientMessage.Heartbeat("phoenix", "7", null),
        arrays.decode("[null,7,\"phoenix\",\"heartbeat\",{}]"),
        "a counter that is a number");
  }

  @Test
  void aBinaryBroadcastIsReadAsMeasured() {
    Buffer frame = Buffer.buffer(new byte[] {3, 3, 3, 11, 6, 0, 1});
    frame.appendString("108110realtime:bctyping{\"u\":\"é\"}");

    assertEquals(
        new ClientMessage.Broadcast(
            "realtime:bc", "110", "108", "typing", Json.object().put("u", "é"), null),
        arrays.decode(frame));
    assertInstanceOf(ClientMessage.Malformed.class, objects.decode(frame));
    for (int length = 0; length < frame.length(); length++) {
      assertInstanceOf(
          ClientMessage.Malformed.class, arrays.decode(frame.getBuffer(0, length)), "cut off");
    }
  }

  @Test
  void aBinaryBroadcastMayCarryBytesAndMeta() {
    Buffer frame = Buffer.buffer(new byte[] {3, 0, 1, 11, 1, 2, 0});
    frame.appendString("1realtime:bcx{}").appendBytes(new byte[] {0, -1});

    assertEquals(
        new ClientMessage.Broadcast(
            "realtime:bc", "1", null, "x", null, Buffer.buffer(new byte[] {0, -1})),
        arrays.decode(frame));
  }

  @Test
  void whatIsNoMessageIsMalformedAndNeverAnException() {
    for (String text :
        List.of(
            "",
            "{",
            "[]",
            "{}",
            "null",
            "7",
            "[1,2,3,4]",
            "[null,null,7,\"phx_join\",{}]",
            "{\"topic\":\"t\"}",
            "[".repeat(5000),
            "[null,null,\"t\",null,{}]")) {
      assertInstanceOf(ClientMessage.Malformed.class, objects.decode(text), text);
      assertInstanceOf(ClientMessage.Malformed.class, arrays.decode(text), text);
    }
    var random = new Random(1);
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = new byte[random.nextInt(40)];
      random.nextBytes(bytes);
      if (bytes.length > 0 && random.nextBoolean()) {
        bytes[0] = 3;
      }
      arrays.decode(Buffer.buffer(bytes));
      arrays.decode(new String(bytes, StandardCharsets.UTF_8));
      objects.decode(new String(bytes, StandardCharsets.UTF_8));
    }
  }

  @Test
  void answersCarryTheClientsCounters() {
    var reply =
        new ServerMessage.Reply("realtime:t", "2", "1", true, Json.object().put("a", "\"b\""));
    says(
        reply,
        "{\"topic\":\"realtime:t\",\"event\":\"phx_reply\",\"payload\":{\"status\":\"ok\",\"response\":{\"a\":\"\\\"b\\\"\"}},\"ref\":\"1\"}",
        "[\"2\",\"1\",\"realtime:t\",\"phx_reply\",{\"status\":\"ok\",\"response\":{\"a\":\"\\\"b\\\"\"}}]");
    says(
        new ServerMessage.Reply("phoenix", null, "7", false, Json.object()),
        "{\"topic\":\"phoenix\",\"event\":\"phx_reply\",\"payload\":{\"status\":\"error\",\"response\":{}},\"ref\":\"7\"}",
        "[null,\"7\",\"phoenix\",\"phx_reply\",{\"status\":\"error\",\"response\":{}}]");
  }

  @Test
  void aChannelsEndCarriesItsJoinRefTwice() {
    says(
        new ServerMessage.Close("realtime:t", "2"),
        "{\"topic\":\"realtime:t\",\"event\":\"phx_close\",\"payload\":{},\"ref\":\"2\"}",
        "[\"2\",\"2\",\"realtime:t\",\"phx_close\",{}]");
    says(
        new ServerMessage.Failure("realtime:t", "2"),
        "{\"topic\":\"realtime:t\",\"event\":\"phx_error\",\"payload\":{},\"ref\":\"2\"}",
        "[\"2\",\"2\",\"realtime:t\",\"phx_error\",{}]");
  }

  @Test
  void pushesAnswerNothing() {
    says(
        new ServerMessage.Notice("realtime:t", "2", "postgres_changes", "ok", "Subscribed", "t"),
        "{\"topic\":\"realtime:t\",\"event\":\"system\",\"payload\":{\"extension\":\"postgres_changes\",\"status\":\"ok\",\"message\":\"Subscribed\",\"channel\":\"t\"},\"ref\":null}",
        "[\"2\",null,\"realtime:t\",\"system\",{\"extension\":\"postgres_changes\",\"status\":\"ok\",\"message\":\"Subscribed\",\"channel\":\"t\"}]");
    says(
        new ServerMessage.PostgresChanges("realtime:t", "[1,2]", "{\"x\":1}"),
        "{\"topic\":\"realtime:t\",\"event\":\"postgres_changes\",\"payload\":{\"ids\":[1,2],\"data\":{\"x\":1}},\"ref\":null}",
        "[null,null,\"realtime:t\",\"postgres_changes\",{\"ids\":[1,2],\"data\":{\"x\":1}}]");
  }

  private void says(ServerMessage frame, @Nullable String one, @Nullable String two) {
    assertEquals(one, objects.encode(frame));
    assertEquals(two, arrays.encode(frame));
  }
}
