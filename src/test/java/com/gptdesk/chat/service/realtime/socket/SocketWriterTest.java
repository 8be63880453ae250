package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.Change.Operation;
import com.gptdesk.chat.service.realtime.changes.MissedMessages;
import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.QueueLimits;
import com.gptdesk.chat.testing.Await;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What waits for a slow client, and when that is too much. */
class SocketWriterTest extends PlayedServer {

  @Test
  void aClientThatNeverReadsIsClosedAndOthersHearOn() throws Exception {
    serve(Patient.settings().with(new QueueLimits(256 * 1024, 20_000)));
    SocketClient alice = client();
    alice.joins("x", ALL, token(ALICE));
    try (Socket deaf = deafSocket(token(ALICE))) {
      write(
          deaf,
          "[\"1\",\"1\",\"realtime:x\",\"phx_join\",{\"config\":{\"postgres_changes\":"
              + ALL
              + "}}]");
      Await.until("it has joined", () -> server.metrics().joins() == 2);
      String text = "x".repeat(10_000);
      int sent = 0;
      while (server.metrics().slowClosed() == 0) {
        fanOut.changed(insert(text, ALICE));
        sent++;
        assertEquals(text, content(alice.next()));
        assertTrue(sent < 10_000, "it may queue without bound");
      }
      fanOut.changed(insert("last", ALICE));
      assertEquals("last", content(alice.next()));
      Await.until("it is forgotten", () -> server.connections() == 1);
    }
  }

  /** As many characters, of one byte each and of three. */
  @Test
  void whatMayWaitIsCountedInBytes() throws Exception {
    serve(Patient.settings().with(new QueueLimits(4_000_000, 20_000)));
    SocketClient latin = client();
    SocketClient other = client();
    latin.joins("x", ALL, token(ALICE));
    other.joins("x", ALL, token(BOB));
    latin.stopsReading();
    other.stopsReading();
    fanOut.changed(insert("x".repeat(3_000_000), ALICE));
    fanOut.changed(insert("語".repeat(3_000_000), BOB));

    Await.until("the one with more bytes is closed", () -> server.metrics().slowClosed() > 0);
    latin.readsAgain();
    assertEquals(3_000_000, content(latin.next()).length());
    assertEquals(1, server.metrics().slowClosed());
  }

  /** Nothing else is written meanwhile whose end could be what it goes on from. */
  @Test
  void aReplayThatWaitsForABinaryFrameToBeReadGoesOnAfterIt() throws Exception {
    serve(Patient.settings().with(new QueueLimits(16 * 1024 * 1024, 20_000)));
    var asked = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    whoMayUse = () -> List.of(ALICE, BOB);
    missed =
        (caller, conversation, revision, most) -> {
          asked.countDown();
          Await.open(goOn);
          String row = row(TALK.toString(), "missed");
          return new MissedMessages.Page(
              1, List.of(new MissedMessages.Message(ALICE, 1, 1, Instant.now(), row)));
        };
    SocketClient client = client();
    client.joins(
        TALK_TOPIC,
        "[{\"event\":\"*\",\"schema\":\"public\",\"table\":\"user_messages\",\"filter\":\"conversation_id=eq."
            + TALK
            + "\",\"since\":0}]",
        token(ALICE));
    Await.open(asked);
    client.stopsReading();
    byte[] bytes = new byte[8 * 1024 * 1024]; // more than the network holds, and a quarter
    long before = server.metrics().framesWritten();
    fanOut.changed(
        new Change(
            ++seq,
            "broadcast",
            Operation.INSERT,
            Instant.now(),
            people(ALICE, BOB),
            "{\"topic\":\"%s\",\"event\":\"raw\",\"binary\":\"%s\"}"
                .formatted(TALK_TOPIC, Base64.getEncoder().encodeToString(bytes)),
            null));
    Await.until("it is on its way", () -> server.metrics().framesWritten() > before);
    goOn.countDown();
    client.readsAgain();
    assertTrue(client.nextBinary().length > bytes.length);
    assertEquals("missed", content(client.next()));
    assertEquals("ok", client.next("system").status());
  }

  @Test
  void moreChangesThanMayWaitCloseTheSocket() throws Exception {
    serve(Patient.settings().with(new QueueLimits(1024 * 1024, 10)));
    SocketClient client = client();
    client.joins("x", ALL, token(BOB));
    var reading = new CountDownLatch(1);
    var told = new CountDownLatch(1);
    whileAudiencesAreRead =
        () -> {
          reading.countDown();
          Await.open(told);
        };
    fanOut.changed(control(BOB));
    Await.open(reading);
    for (int i = 0; i < 100; i++) {
      fanOut.changed(insert("held", BOB));
    }
    assertEquals(1013, client.closeCode());
    told.countDown();
  }

  private Socket deafSocket(String apikey) throws IOException {
    var socket = new Socket();
    socket.setReceiveBufferSize(4096);
    socket.connect(new InetSocketAddress("127.0.0.1", port));
    askToUpgrade(socket, "/realtime/v1/websocket?vsn=2.0.0&apikey=" + apikey);
    readAnswer(socket);
    return socket;
  }

  /** A masked text frame of 126 to 65535 bytes. */
  private static void write(Socket socket, String text) throws IOException {
    byte[] bytes = (text + " ".repeat(126)).getBytes(StandardCharsets.UTF_8);
    var frame = ByteBuffer.allocate(bytes.length + 8);
    frame.put((byte) 0x81).put((byte) (0x80 | 126)).putShort((short) bytes.length);
    socket.getOutputStream().write(frame.putInt(0).put(bytes).array());
  }
}
