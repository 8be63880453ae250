package com.gptdesk.chat.client;

import com.gptdesk.chat.jooq.udt.records.BlockedUserRecord;
import com.gptdesk.chat.jooq.udt.records.ConversationViewRecord;
import com.gptdesk.chat.jooq.udt.records.MessageMatchRecord;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.jooq.udt.records.PersonViewRecord;
import com.gptdesk.chat.model.Attachment;
import com.gptdesk.chat.model.BlockedUser;
import com.gptdesk.chat.model.Conversation;
import com.gptdesk.chat.model.FoundMessage;
import com.gptdesk.chat.model.FoundUser;
import com.gptdesk.chat.model.JsonColumns;
import com.gptdesk.chat.model.Message;
import com.gptdesk.chat.model.MessageType;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The rows of the contract's functions as values. */
final class Views {

  private Views() {}

  static List<Conversation> conversations(List<ConversationViewRecord> rows) {
    return rows.stream().map(Views::conversation).toList();
  }

  static List<Message> messages(List<MessageViewRecord> rows) {
    return rows.stream().map(Views::message).toList();
  }

  static List<FoundMessage> found(List<MessageMatchRecord> rows) {
    return rows.stream()
        .map(
            row -> {
              MessageViewRecord message = new MessageViewRecord();
              message.from(row);
              return new FoundMessage(message(message), row.getHeadline());
            })
        .toList();
  }

  static List<BlockedUser> blocked(List<BlockedUserRecord> rows) {
    return rows.stream()
        .map(
            row ->
                new BlockedUser(
                    row.getId(),
                    row.getFullName(),
                    row.getAvatarUrl(),
                    row.getBlockedAt().toInstant()))
        .toList();
  }

  static List<FoundUser> users(List<PersonViewRecord> rows) {
    return rows.stream()
        .map(
            row ->
                new FoundUser(
                    row.getId(),
                    row.getFullName(),
                    row.getEmail(),
                    row.getAvatarUrl(),
                    row.getStatus(),
                    row.getTeamId()))
        .toList();
  }

  static Message message(MessageViewRecord row) {
    return new Message(
        row.getId(),
        row.getConversationId(),
        row.getSeq(),
        row.getSenderId(),
        row.getRecipientId(),
        row.getSender(),
        row.getContent(),
        MessageType.of(row.getMessageType()),
        row.getFileUrl() == null
            ? null
            : new Attachment(row.getFileUrl(), row.getFileName(), row.getFileSize()),
        row.getCreatedAt().toInstant(),
        row.getUpdatedAt().toInstant(),
        row.getIsEdited(),
        row.getIsDeleted(),
        row.getReadBy(),
        JsonColumns.object(row.getMetadata().data()),
        row.getSentRevision(),
        row.getRevision(),
        row.getReactions(),
        instant(row.getWrittenAt()),
        row.getClientId());
  }

  private static Conversation conversation(ConversationViewRecord row) {
    return new Conversation(
        row.getId(),
        row.getOtherUser(),
        row.getLastMessage(),
        instant(row.getLastMessageAt()),
        row.getLastMessageSeq(),
        row.getReadSeq(),
        row.getOtherReadSeq(),
        row.getUnreadCount(),
        row.getRevision(),
        row.getIsArchived(),
        row.getIsMuted(),
        row.getCreatedAt().toInstant(),
        row.getFirstUnreadSeq(),
        row.getPartnerStatus(),
        instant(row.getMutedUntil()),
        row.getDeliveredSeq(),
        row.getOtherDeliveredSeq());
  }

  private static @Nullable Instant instant(@Nullable OffsetDateTime time) {
    return time == null ? null : time.toInstant();
  }
}
