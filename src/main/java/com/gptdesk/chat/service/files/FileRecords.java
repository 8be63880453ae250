package com.gptdesk.chat.service.files;

import static com.gptdesk.chat.database.internal.chat.tables.Settings.SETTINGS;
import static com.gptdesk.chat.jooq.Tables.CHAT_FILES;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.StorableText;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.tables.records.ChatFilesRecord;
import com.gptdesk.chat.jooq.udt.records.FileViewRecord;
import com.gptdesk.chat.jooq.udt.records.ListedFileRecord;
import com.gptdesk.chat.service.database.ServiceDatabase;
import java.time.Duration;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.JSONB;
import org.jooq.Row2;
import org.jooq.impl.DSL;
import org.jooq.types.YearToSecond;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The rows of files: the database decides who may upload, see, move and remove what. Blocks.
 * Thread-safe.
 */
public final class FileRecords {
  private static final JsonMapper JSON = JsonMapper.shared();

  /** So long nobody else removes what was taken. */
  private static final Duration LEASE = Duration.ofMinutes(5);

  private final ServiceDatabase database;

  public FileRecords(ServiceDatabase database) {
    this.database = database;
  }

  /**
   * What {@code chat.settings} says of uploads.
   *
   * @param maxBytes of one file
   * @param unfinished after so long an upload that was not finished is given up
   * @param types that may be stored, as {@code image/*}; null for any
   */
  public record Limits(long maxBytes, Duration unfinished, @Nullable List<String> types) {}

  /** The limits of now. */
  public Limits limits() {
    return database.asItself(
        tx ->
            tx.select(
                    SETTINGS.MAX_FILE_BYTES, SETTINGS.UNFINISHED_UPLOAD_HOURS, SETTINGS.FILE_TYPES)
                .from(SETTINGS)
                .fetchSingle(
                    row ->
                        new Limits(
                            row.value1(),
                            Duration.ofHours(row.value2()),
                            row.value3() == null ? null : List.of(row.value3()))));
  }

  /**
   * An upload that a person wants to make.
   *
   * @param size in bytes; null when the client does not say
   * @param type as the client says; null when it does not
   * @param metadata the uploader's
   * @param upsert whether it may take the place of a file of the same name
   */
  public record Wanted(
      UUID conversation,
      String name,
      @Nullable Long size,
      @Nullable String type,
      ObjectNode metadata,
      boolean upsert) {}

  /** Reserves an upload. */
  public StoredFile begin(Caller caller, Wanted wanted) {
    return database.as(caller, tx -> begin(tx, wanted));
  }

  /** Whether the person may make the upload now; it throws what {@link #begin} would. */
  public void requireMayBegin(Caller caller, Wanted wanted) {
    try {
      database.<@Nullable Void>as(
          caller,
          tx -> {
            begin(tx, wanted);
            throw new Undone();
          });
    } catch (Undone e) {
      // It may; nothing of the question stays.
    }
  }

  private static final class Undone extends RuntimeException {
    private static final long serialVersionUID = 1;

    Undone() {
      super(null, null, false, false);
    }
  }

  private static StoredFile begin(DSLContext tx, Wanted wanted) {
    return of(
        Routines.beginUpload(
            tx.configuration(),
            wanted.conversation(),
            wanted.name(),
            wanted.size(),
            StorableText.ofNullable(wanted.type()),
            JSONB.valueOf(StorableText.ofJson(JSON.writeValueAsString(wanted.metadata()))),
            wanted.upsert()));
  }

  /** The stored file of that path, if the caller sees it. */
  public @Nullable StoredFile find(Caller caller, UUID conversation, String name) {
    return first(
        caller,
        CHAT_FILES
            .CONVERSATION_ID
            .eq(conversation)
            .and(CHAT_FILES.NAME.eq(name))
            .and(CHAT_FILES.STATE.eq("stored")));
  }

  /** The file of that id, whole or uploading, if the caller sees it; none under legal hold. */
  public @Nullable StoredFile find(Caller caller, UUID id) {
    return first(caller, CHAT_FILES.ID.eq(id).and(CHAT_FILES.STATE.ne("held")));
  }

  /** Where a file is: a name in a conversation. */
  public record Place(UUID conversation, String name) {}

  /** Those stored files of the places that the caller sees. */
  public List<StoredFile> find(Caller caller, Collection<Place> places) {
    List<Row2<UUID, String>> rows =
        places.stream().map(place -> DSL.row(place.conversation(), place.name())).toList();
    return database.reading(
        caller,
        tx ->
            tx.selectFrom(CHAT_FILES)
                .where(DSL.row(CHAT_FILES.CONVERSATION_ID, CHAT_FILES.NAME).in(rows))
                .and(CHAT_FILES.STATE.eq("stored"))
                .fetch(FileRecords::of));
  }

  private @Nullable StoredFile first(Caller caller, Condition condition) {
    return database.reading(
        caller, tx -> tx.selectFrom(CHAT_FILES).where(condition).fetchOne(FileRecords::of));
  }

  /**
   * Says which bytes an upload has, before they are put where people read them. The same again is
   * success; other bytes are refused, whichever node brings them.
   */
  public void claim(UUID id, byte[] sha256) {
    this.<@Nullable Void>asRelay(
        tx -> {
          com.gptdesk.chat.database.internal.chat.Routines.claimUpload(
              tx.configuration(), id, sha256);
          return null;
        });
  }

  /** Makes an upload a stored file. The same again is success. */
  public void finish(UUID id, long size, byte[] sha256, String type, JsonNode details) {
    this.<@Nullable Void>asRelay(
        tx -> {
          com.gptdesk.chat.database.internal.chat.Routines.finishUpload(
              tx.configuration(),
              id,
              size,
              sha256,
              type,
              JSONB.valueOf(JSON.writeValueAsString(details)));
          return null;
        });
  }

  /** Gives an upload up; its bytes are removed later. A stored file stays. */
  public void abandon(UUID id) {
    this.<@Nullable Void>asRelay(
        tx -> {
          com.gptdesk.chat.database.internal.chat.Routines.abandonUpload(tx.configuration(), id);
          return null;
        });
  }

  /**
   * What is in a folder.
   *
   * @param folder a storage path without a slash at its end; empty for the conversations
   * @param search a part of the names
   * @param column name, created_at, updated_at or size
   */
  public record Listing(
      String folder, String search, int limit, int offset, String column, boolean descending) {}

  /** A file or a folder of a listing, as JSON with the columns of {@code public.listed_file}. */
  public List<JsonNode> list(Caller caller, Listing listing) {
    return database.reading(
        caller,
        tx ->
            Routines.listFiles(
                    tx.configuration(),
                    listing.folder(),
                    listing.search(),
                    listing.limit(),
                    listing.offset(),
                    listing.column(),
                    listing.descending())
                .map(FileRecords::jsonOf));
  }

  private static JsonNode jsonOf(ListedFileRecord listed) {
    ObjectNode json = JSON.createObjectNode();
    json.put("name", listed.getName());
    if (listed.getId() != null) {
      json.put("id", listed.getId().toString());
      json.put("size", listed.getSize());
      json.put("content_type", listed.getContentType());
      json.put("sha256", listed.getSha256());
      json.set("metadata", object(listed.getMetadata()));
      json.set("details", object(listed.getDetails()));
      json.put("created_at", listed.getCreatedAt().toInstant().toString());
      json.put("updated_at", listed.getUpdatedAt().toInstant().toString());
    }
    return json;
  }

  /** Gives a file another name in its conversation. */
  public StoredFile move(Caller caller, UUID conversation, String name, String newName) {
    return database.as(
        caller, tx -> of(Routines.moveFile(tx.configuration(), conversation, name, newName)));
  }

  /** Removes those of the files that are the caller's, and returns them. */
  public List<StoredFile> remove(Caller caller, UUID conversation, List<String> names) {
    return database.as(
        caller,
        tx ->
            Routines.removeFiles(tx.configuration(), conversation, names.toArray(String[]::new))
                .map(FileRecords::of));
  }

  /** Removes the rows of what was not finished or never sent; true when there may be more. */
  boolean sweep(int most) {
    return asRelay(
        tx ->
            com.gptdesk.chat.database.internal.chat.Routines.sweepFiles(tx.configuration(), most)
                > 0);
  }

  /** Files whose bytes are to be removed, by nobody else for a while. */
  List<UUID> takeRemovals(int most) {
    return asRelay(
        tx ->
            com.gptdesk.chat.database.internal.chat.Routines.takeFileRemovals(
                    tx.configuration(), YearToSecond.valueOf(LEASE), most)
                .map(row -> row.get(0, UUID.class)));
  }

  /** The bytes of these are removed. */
  void finishRemovals(List<UUID> ids) {
    asRelay(
        tx ->
            com.gptdesk.chat.database.internal.chat.Routines.finishFileRemovals(
                tx.configuration(), ids.toArray(UUID[]::new)));
  }

  private <T extends @Nullable Object> T asRelay(Function<DSLContext, T> work) {
    return database.as(ServiceDatabase.RELAY, work);
  }

  private static StoredFile of(ChatFilesRecord row) {
    return new StoredFile(
        row.getId(),
        row.getConversationId(),
        row.getName(),
        row.getUploaderId(),
        row.getState().equals("stored"),
        row.getSize(),
        row.getContentType(),
        row.getSha256() == null ? null : HexFormat.of().formatHex(row.getSha256()),
        object(row.getMetadata()),
        object(row.getDetails()),
        row.getCreatedAt().toInstant(),
        row.getUpdatedAt().toInstant());
  }

  private static StoredFile of(FileViewRecord row) {
    return new StoredFile(
        row.getId(),
        row.getConversationId(),
        row.getName(),
        row.getUploaderId(),
        row.getState().equals("stored"),
        row.getSize(),
        row.getContentType(),
        row.getSha256(),
        object(row.getMetadata()),
        object(row.getDetails()),
        row.getCreatedAt().toInstant(),
        row.getUpdatedAt().toInstant());
  }

  private static ObjectNode object(JSONB json) {
    return (ObjectNode) JSON.readTree(json.data());
  }
}
