package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.Change.Operation;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.changes.CommonSubscriptions;
import com.gptdesk.chat.service.realtime.changes.PublishedTables;
import com.gptdesk.chat.service.realtime.changes.Subscription;
import com.gptdesk.chat.service.realtime.changes.SubscriptionIndex;
import com.gptdesk.chat.service.realtime.channel.Channel;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.socket.SocketClient.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Which changes a channel is told, and in which shape. */
class ChangeDeliveryTest extends PlayedServer {

  @Test
  void aChangeIsToldWithTheIdsOfTheBindingsItMeets() {
    SocketClient client = client();
    Message reply =
        client.joins(
            "x",
            """
            [{"event":"INSERT","schema":"public","table":"user_messages","filter":"conversation_id=eq.c1"},
             {"event":"UPDATE","schema":"public","table":"user_messages"},
             {"event":"*"},
             {"event":"*"},
             {"event":"DELETE","table":"user_messages","filter":"conversation_id=eq.c1"},
             {"event":"*","table":"user_presence"}]""",
            token(ALICE));
    JsonNode bound = reply.payload().path("response").path("postgres_changes");
    String insert = bound.get(0).get("id").toString();
    String update = bound.get(1).get("id").toString();
    String any = bound.get(2).get("id").toString();
    String delete = bound.get(4).get("id").toString();

    fanOut.changed(change(Operation.INSERT, row("c1", "a"), null, ALICE));
    fanOut.changed(change(Operation.INSERT, row("c2", "b"), null, ALICE));
    fanOut.changed(change(Operation.UPDATE, row("c1", "c"), "{\"id\":1}", ALICE));
    fanOut.changed(change(Operation.DELETE, null, row("c1", "d"), ALICE));

    assertEquals("[" + insert + "," + any + "]", ids(client.next("postgres_changes")));
    assertEquals("[" + any + "]", ids(client.next("postgres_changes")));
    assertEquals("[" + update + "," + any + "]", ids(client.next("postgres_changes")));
    assertEquals("[" + any + "," + delete + "]", ids(client.next("postgres_changes")));
  }

  @Test
  void anEventHasTheShapeOfItsOperation() {
    SocketClient client = client();
    client.joins("x", MESSAGES, token(ALICE));
    String head =
        "{\"schema\":\"public\",\"table\":\"user_messages\",\"type\":\"%s\",\"commit_timestamp\":\"2026-01-01T00:00:00.120Z\","
            + "\"columns\":[{\"name\":\"id\",\"type\":\"uuid\"},{\"name\":\"conversation_id\",\"type\":\"text\"},{\"name\":\"content\",\"type\":\"text\"}],";
    String row = row("c", "é 😀");

    fanOut.changed(change(Operation.INSERT, row, null, ALICE));
    fanOut.changed(change(Operation.UPDATE, row, "{\"id\":1}", ALICE));
    fanOut.changed(change(Operation.DELETE, null, row, ALICE));

    assertEquals(
        head.formatted("INSERT") + "\"record\":" + row + ",\"errors\":null}", data(client.next()));
    assertEquals(
        head.formatted("UPDATE")
            + "\"record\":"
            + row
            + ",\"old_record\":{\"id\":1},\"errors\":null}",
        data(client.next()));
    assertEquals(
        head.formatted("DELETE") + "\"old_record\":" + row + ",\"errors\":null}",
        data(client.next()));
  }

  /** A list that shows what passes must learn of what does so no longer. */
  @Test
  void aRowThatLeavesAFilterIsToldAsTheUpdateItIs() {
    SocketClient client = client();
    client.joins("x", MESSAGES.replace("\"}", "\",\"filter\":\"content=eq.a\"}"), token(ALICE));
    fanOut.changed(change(Operation.UPDATE, row("c", "b"), row("c", "a"), ALICE));
    fanOut.changed(
        change(Operation.UPDATE, row("c", "d"), row("c", "b"), ALICE)); // never was there
    fanOut.changed(change(Operation.UPDATE, row("c", "a"), row("c", "d"), ALICE));

    Message left = client.next();
    assertEquals("b", content(left));
    // Of the old row nothing but the key: it may say what was taken back.
    assertEquals("{\"id\":1}", left.payload().path("data").path("old_record").toString());
    assertEquals("a", content(client.next()));
    client.hasHeardNothing();
  }

  @Test
  void columnsThatWereSelectedAreToldAndTheKey() {
    SocketClient client = client();
    client.asksToJoin(
        "x",
        """
        [{"event":"*","schema":"public","table":"user_messages","select":["content"]},
         {"event":"*","schema":"public","table":"user_messages","select":"id, content"},
         {"event":"*","schema":"public","table":"user_messages"},
         {"event":"*","schema":"public","table":"user_messages","select":["colour"]},
         {"event":"*","schema":"public","select":["id"]}]""",
        token(ALICE));
    JsonNode bound = client.next("phx_reply").payload().path("response").path("postgres_changes");
    assertTrue(client.next("system").payload().toString().contains("no column"));
    assertTrue(client.next("system").payload().toString().contains("needs one table"));

    String number = "12345678901234567890.10"; // every digit as it stands
    String row = row("c", "hi \\\"{,}").replace("\"id\":1", "\"id\":" + number);
    fanOut.changed(change(Operation.INSERT, row, null, ALICE));
    fanOut.changed(change(Operation.DELETE, null, row, ALICE));

    Message chosen = client.next();
    assertEquals("[" + bound.get(0).get("id") + "," + bound.get(1).get("id") + "]", ids(chosen));
    assertTrue(
        data(chosen)
            .contains(
                "\"columns\":[{\"name\":\"id\",\"type\":\"uuid\"},{\"name\":\"content\",\"type\":\"text\"}]"),
        () -> data(chosen));
    assertEquals(
        "[\"id\", \"content\"]".replace("\"", ""),
        List.copyOf(chosen.payload().path("data").path("record").propertyNames()).toString());
    Message whole = client.next();
    assertEquals("[" + bound.get(2).get("id") + "]", ids(whole));
    assertEquals(3, whole.payload().path("data").path("record").size());
    assertEquals(2, client.next().payload().path("data").path("old_record").size());
    assertEquals(3, client.next().payload().path("data").path("old_record").size());
    client.hasHeardNothing();
  }

  /** The index finds what asking each binding would find. */
  @Test
  void bindingsFoundByTheirValuesAreThoseThatAskingEachWouldFind() {
    var random = new java.util.Random(7);
    PublishedTables tables = server.tables();
    List<Channel> channels = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      var wishes = new ArrayList<tools.jackson.databind.node.ObjectNode>();
      for (int j = 0; j < 10; j++) {
        var wish = Json.object().put("event", random.nextBoolean() ? "*" : "UPDATE");
        String value = "abc".charAt(random.nextInt(3)) + "";
        wish.put("table", random.nextInt(5) == 0 ? "*" : "user_messages");
        switch (random.nextInt(5)) {
          case 0 -> wish.put("filter", "content=eq." + value);
          case 1 -> wish.put("filter", "conversation_id=in.(" + value + ",z),content=neq.b");
          case 2 -> wish.put("filter", "content=not.eq." + value);
          case 3 -> wish.put("filter", "conversation_id=eq.b,content=eq." + value);
          default -> wish.put("n", j);
        }
        wishes.add(wish);
      }
      channels.add(
          new Channel(
              "realtime:" + i,
              null,
              Subscription.all(wishes, tables),
              null,
              "",
              new com.gptdesk.chat.service.auth.Identity(
                  com.gptdesk.chat.database.Caller.Role.ANON, null, null, "{}")));
    }
    SubscriptionIndex<Channel> index = SubscriptionIndex.of(channels, Channel::subscriptions);
    for (int i = 0; i < 300; i++) {
      String now = row("abc".charAt(random.nextInt(3)) + "", "abcd".charAt(random.nextInt(4)) + "");
      String then =
          row("abc".charAt(random.nextInt(3)) + "", "abcd".charAt(random.nextInt(4)) + "");
      Change change =
          switch (random.nextInt(3)) {
            case 0 -> change(Operation.INSERT, now, null, ALICE);
            case 1 -> change(Operation.UPDATE, now, then, ALICE);
            default -> change(Operation.DELETE, null, then, ALICE);
          };
      var data = new ChangePayload(change, tables);
      Map<Channel, List<Subscription>> found = index.mayHear(data);
      for (Channel channel : channels) {
        assertEquals(
            channel.messagesFor(data, channel.subscriptions()),
            channel.messagesFor(data, found.getOrDefault(channel, List.of())));
      }
      assertEquals(!found.isEmpty(), index.mayConcern(data));
    }
  }

  @Test
  void bindingsThatNameNoRowAreHeldOnceForAll() {
    var common = new CommonSubscriptions();
    var anyRow = Json.object().put("event", "*").put("table", "user_messages");
    var oneRow = anyRow.deepCopy().put("filter", "conversation_id=eq.a");
    var wordy = anyRow.deepCopy().put("n", "x".repeat(500));

    List<Subscription> first =
        common.of(Subscription.all(List.of(anyRow, oneRow, wordy), server.tables()));
    List<Subscription> second =
        common.of(Subscription.all(List.of(anyRow, oneRow, wordy), server.tables()));

    assertSame(first.get(0), second.get(0));
    assertNotSame(first.get(1), second.get(1), "it is its client's own");
    assertNotSame(first.get(2), second.get(2), "such would fill the memory");
  }

  @Test
  void aChangeIsEncodedOnceForAllWhoHearIt() {
    List<SocketClient> clients = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      SocketClient client = client();
      client.joins("x" + i, ALL, token(ALICE));
      clients.add(client);
    }
    long before = server.metrics().encoded();

    fanOut.changed(insert("to all", BLUE));

    clients.forEach(client -> assertEquals("to all", content(client.next())));
    assertEquals(1, server.metrics().encoded() - before);
  }

  @Test
  void onlyThoseHearWhoMaySee() {
    SocketClient alice = client();
    SocketClient mallory = client();
    alice.joins("x", ALL, token(ALICE));
    mallory.joins("x", ALL, token(MALLORY));

    fanOut.changed(insert("to Alice and Bob", ALICE, BOB));
    fanOut.changed(insert("to the team", BLUE));
    fanOut.changed(insert("to Mallory", MALLORY)); // the marker

    assertEquals("to Alice and Bob", content(alice.next()));
    assertEquals("to the team", content(alice.next()));
    alice.hasHeardNothing();
    assertEquals("to Mallory", content(mallory.next()));
  }

  @Test
  void channelsOfTwoPeopleOnOneSocketHearByTheirOwnRights() {
    SocketClient client = client();
    client.joins("alice", ALL, token(ALICE));
    client.joins("mallory", ALL, token(MALLORY));

    fanOut.changed(insert("to Alice", ALICE));
    fanOut.changed(insert("to Mallory", MALLORY));
    fanOut.changed(insert("to both", RED, BLUE));

    assertEquals("realtime:alice to Alice", topicAndContent(client.next()));
    assertEquals("realtime:mallory to Mallory", topicAndContent(client.next()));
    assertEquals(
        List.of("realtime:alice to both", "realtime:mallory to both"),
        List.of(topicAndContent(client.next()), topicAndContent(client.next())).stream()
            .sorted()
            .toList());
    client.hasHeardNothing();
  }

  @Test
  void aMissedStretchIsSaidToChannelsWithBindings() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    client.joins("silent", "[]", token(ALICE));
    fanOut.changed(insert("before", ALICE));
    fanOut.resync("Changes were missed.");
    fanOut.changed(insert("after", ALICE));

    assertEquals("before", content(client.next()));
    Message system = client.next("system");
    assertEquals(
        "{\"extension\":\"postgres_changes\",\"status\":\"resync\",\"message\":\"Changes were missed.\",\"channel\":\"x\"}",
        system.payload().toString());
    assertEquals("after", content(client.next()));
  }

  @Test
  void aHundredEqualBindingsAreToldOnce() {
    SocketClient client = client();
    String binding = "{\"event\":\"*\",\"schema\":\"public\",\"filter\":\"content=eq.hi\"}";
    Message reply =
        client.joins("x", "[" + binding + ("," + binding).repeat(99) + "]", token(ALICE));
    assertEquals(100, reply.payload().path("response").path("postgres_changes").size());
    fanOut.changed(insert("hi", ALICE));
    assertEquals(1, client.next("postgres_changes").payload().path("ids").size());
    client.hasHeardNothing();
  }
}
