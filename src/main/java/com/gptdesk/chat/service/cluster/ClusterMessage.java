package com.gptdesk.chat.service.cluster;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.Change;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A message of the leader. The changes of a term are numbered from 1; 0 means none yet.
 *
 * <p>For each audience of a change, {@code previous} holds the number of the change before it on
 * that audience. It is {@link #UNASKED} when no node has asked for the audience.
 */
sealed interface ClusterMessage {
  /** No node has asked for the audience. */
  long UNASKED = -1;

  /** Messages of other versions are rejected. */
  byte VERSION = 3;

  /** The term of the leader that sent it. */
  long term();

  /**
   * The leader is alive.
   *
   * @param number the number of the last change
   */
  record Beat(long term, long number) implements ClusterMessage {}

  /** A change, published on the subject of each of its audiences. */
  record ChangeEvent(long term, long number, Map<Audience, Long> previous, Change change)
      implements ClusterMessage {}

  /** A change was longer than NATS allows: subscribers of its audiences have to catch up. */
  record TooLong(long term, long number, Map<Audience, Long> previous) implements ClusterMessage {}

  /**
   * The audiences of one change, for nodes that need the audiences of all changes.
   *
   * @param previous the number of the change before it
   */
  record ChangeAudiences(long term, long number, long previous, List<Audience> audiences)
      implements ClusterMessage {}

  /**
   * The answer to a {@link Question}.
   *
   * @param numbers the number of the last change of each audience in the question
   */
  record Answer(long term, long question, List<Long> numbers) implements ClusterMessage {}

  /**
   * Asks the leader for the last change on these audiences. From its answer on, the leader
   * publishes their changes.
   */
  record Question(long number, List<Audience> audiences) {
    byte[] encode() {
      return encoded(
          out -> {
            out.writeLong(number);
            writeAll(out, audiences);
          });
    }

    static Question decode(byte[] bytes) {
      return decoded(bytes, in -> new Question(in.readLong(), readAll(in)));
    }
  }

  /** {@return this message as bytes} */
  default byte[] encode() {
    return encoded(
        out -> {
          switch (this) {
            case Beat beat -> {
              begin(out, 'b', beat);
              out.writeLong(beat.number());
            }
            case ChangeEvent event -> {
              begin(out, 't', event);
              out.writeLong(event.number());
              writeAll(out, event.previous());
              write(out, event.change());
            }
            case TooLong tooLong -> {
              begin(out, 'l', tooLong);
              out.writeLong(tooLong.number());
              writeAll(out, tooLong.previous());
            }
            case ChangeAudiences event -> {
              begin(out, 'n', event);
              out.writeLong(event.number());
              out.writeLong(event.previous());
              writeAll(out, event.audiences());
            }
            case Answer answer -> {
              begin(out, 'a', answer);
              out.writeLong(answer.question());
              out.writeInt(answer.numbers().size());
              for (long number : answer.numbers()) {
                out.writeLong(number);
              }
            }
          }
        });
  }

  /**
   * Reads what {@link #encode} wrote.
   *
   * @throws IllegalArgumentException when the bytes are not such a message
   */
  static ClusterMessage decode(byte[] bytes) {
    return decoded(
        bytes,
        in -> {
          byte kind = in.readByte();
          long term = in.readLong();
          return switch (kind) {
            case 'b' -> new Beat(term, in.readLong());
            case 't' -> {
              long number = in.readLong();
              Map<Audience, Long> previous = readPrevious(in);
              yield new ChangeEvent(term, number, previous, readChange(in, previous.keySet()));
            }
            case 'l' -> new TooLong(term, in.readLong(), readPrevious(in));
            case 'n' -> new ChangeAudiences(term, in.readLong(), in.readLong(), readAll(in));
            case 'a' -> {
              long question = in.readLong();
              int count = in.readInt();
              var numbers = new ArrayList<Long>(Math.min(count, bytes.length));
              for (int i = 0; i < count; i++) {
                numbers.add(in.readLong());
              }
              yield new Answer(term, question, List.copyOf(numbers));
            }
            default -> throw new IllegalArgumentException("unknown kind of message: " + kind);
          };
        });
  }

  private static void begin(DataOutputStream out, char kind, ClusterMessage message)
      throws IOException {
    out.writeByte(kind);
    out.writeLong(message.term());
  }

  private static void write(DataOutputStream out, Change change) throws IOException {
    out.writeLong(change.seq());
    out.writeUTF(change.table());
    out.writeUTF(change.operation().name());
    out.writeLong(ChronoUnit.MICROS.between(Instant.EPOCH, change.at())); // as PostgreSQL counts
    write(out, change.record());
    write(out, change.oldRecord());
    // Last, and only where it is needed: a node of the version before does not read so far.
    for (UUID person : change.hiddenFrom()) {
      out.writeLong(person.getMostSignificantBits());
      out.writeLong(person.getLeastSignificantBits());
    }
  }

  private static Change readChange(DataInputStream in, Iterable<Audience> audiences)
      throws IOException {
    var all = new ArrayList<Audience>();
    audiences.forEach(all::add);
    var change =
        new Change(
            in.readLong(),
            in.readUTF(),
            Change.Operation.valueOf(in.readUTF()),
            Instant.EPOCH.plus(in.readLong(), ChronoUnit.MICROS),
            all,
            readText(in),
            readText(in));
    var hiddenFrom = new ArrayList<UUID>();
    while (in.available() > 0) {
      hiddenFrom.add(new UUID(in.readLong(), in.readLong()));
    }
    return hiddenFrom.isEmpty()
        ? change
        : new Change(
            change.seq(),
            change.table(),
            change.operation(),
            change.at(),
            change.audiences(),
            hiddenFrom,
            change.record(),
            change.oldRecord());
  }

  private static void write(DataOutputStream out, @Nullable String text) throws IOException {
    if (text == null) {
      out.writeInt(-1);
      return;
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  private static @Nullable String readText(DataInputStream in) throws IOException {
    int length = in.readInt();
    return length < 0 ? null : new String(in.readNBytes(length), StandardCharsets.UTF_8);
  }

  private static void write(DataOutputStream out, Audience audience) throws IOException {
    out.writeUTF(audience.kind().name());
    out.writeLong(audience.id().getMostSignificantBits());
    out.writeLong(audience.id().getLeastSignificantBits());
  }

  private static Audience readAudience(DataInputStream in) throws IOException {
    return new Audience(
        Audience.Kind.valueOf(in.readUTF()), new UUID(in.readLong(), in.readLong()));
  }

  private static void writeAll(DataOutputStream out, List<Audience> ids) throws IOException {
    out.writeInt(ids.size());
    for (Audience id : ids) {
      write(out, id);
    }
  }

  private static List<Audience> readAll(DataInputStream in) throws IOException {
    int count = in.readInt();
    var ids = new ArrayList<Audience>();
    for (int i = 0; i < count; i++) {
      ids.add(readAudience(in));
    }
    return ids;
  }

  private static void writeAll(DataOutputStream out, Map<Audience, Long> previous)
      throws IOException {
    out.writeInt(previous.size());
    for (Map.Entry<Audience, Long> each : previous.entrySet()) {
      write(out, each.getKey());
      out.writeLong(each.getValue());
    }
  }

  private static Map<Audience, Long> readPrevious(DataInputStream in) throws IOException {
    int count = in.readInt();
    var previous = new LinkedHashMap<Audience, Long>();
    for (int i = 0; i < count; i++) {
      previous.put(readAudience(in), in.readLong());
    }
    return previous;
  }

  /** Writes to memory, so it does not fail. */
  @FunctionalInterface
  interface Writing {
    void to(DataOutputStream out) throws IOException;
  }

  /** Reads from memory; fails when the bytes end too early. */
  @FunctionalInterface
  interface Reading<T> {
    T from(DataInputStream in) throws IOException;
  }

  private static byte[] encoded(Writing writing) {
    var bytes = new ByteArrayOutputStream(512);
    try (var out = new DataOutputStream(bytes)) {
      out.writeByte(VERSION);
      writing.to(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static <T> T decoded(byte[] bytes, Reading<T> reading) {
    try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      if (in.readByte() != VERSION) {
        throw new IllegalArgumentException("a message of another version");
      }
      return reading.from(in);
    } catch (IOException e) {
      throw new IllegalArgumentException("a message that ends too early", e);
    }
  }
}
