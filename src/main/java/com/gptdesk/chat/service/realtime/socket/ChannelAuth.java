package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.auth.InvalidToken;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.realtime.channel.Channel;
import com.gptdesk.chat.service.realtime.channel.FailureReason;
import com.gptdesk.chat.service.realtime.channel.Inbound;
import com.gptdesk.chat.service.realtime.channel.Resumption;
import com.gptdesk.chat.service.realtime.channel.Rights;
import com.gptdesk.chat.service.realtime.channel.UserChannels;
import com.gptdesk.chat.service.realtime.protocol.ClientMessage;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The identities of one socket's channels: verifies the token of a join, and later ones. Owned by
 * the socket's context.
 */
final class ChannelAuth {
  private static final Logger LOG = LoggerFactory.getLogger(ChannelAuth.class);

  private final TokenVerifier tokens;
  private final EndedTokens endedTokens;
  private final String apikey;
  private final SocketWriter writer;
  private final Inbound inbound;
  private final JoinedChannels channels;
  private final SocketTimer timer;

  /**
   * @param apikey the socket's own token, used by channels without one
   */
  ChannelAuth(
      TokenVerifier tokens,
      EndedTokens endedTokens,
      String apikey,
      SocketWriter writer,
      Inbound inbound,
      JoinedChannels channels,
      SocketTimer timer) {
    this.tokens = tokens;
    this.endedTokens = endedTokens;
    this.apikey = apikey;
    this.writer = writer;
    this.inbound = inbound;
    this.channels = channels;
    this.timer = timer;
  }

  /** The token of a joining channel. */
  String tokenOf(ClientMessage.Join join) {
    return known(usable(join.accessToken()));
  }

  /** Verifies a token on a virtual thread. */
  void verify(String token, Consumer<Identity> done, Consumer<RuntimeException> failed) {
    writer.offEventLoop(() -> tokens.verify(token), done, failed);
  }

  /**
   * A token has ended, and no channel of another is left: the socket is closed, so that its client
   * connects again with a new one. Once for each token, since a client that has no other would come
   * back at once for ever.
   */
  void ended(String token) {
    if (channels.all().isEmpty() && endedTokens.isFirst(token)) {
      writer.close(CloseCode.POLICY_VIOLATION, "the token has expired");
    }
  }

  /** The token, or null for a publishable key, which clients without a user send. */
  private static @Nullable String usable(@Nullable String token) {
    return token == null || token.isEmpty() || token.startsWith("sb_") ? null : token;
  }

  /** The same text as already held, so that a client's token is not held once for each channel. */
  private String known(@Nullable String sent) {
    if (sent == null || sent.equals(apikey)) {
      return apikey;
    }
    for (Channel channel : channels.all()) {
      if (channel.token().equals(sent)) {
        return channel.token();
      }
    }
    return sent;
  }

  /** From now on the channel has the identity of another token. */
  void take(ClientMessage.AccessToken message, Channel channel) {
    String sent = usable(message.token());
    if (sent == null || sent.equals(channel.token())) {
      return;
    }
    String token = known(sent);
    inbound.pause();
    verify(
        token,
        identity -> identify(channel, token, identity),
        e -> {
          channels.dismiss(channel, FailureReason.of(e), true);
          inbound.resume();
          if (e instanceof InvalidToken invalid
              && invalid.reason() == InvalidToken.Reason.EXPIRED) {
            ended(token);
          }
        });
  }

  private void identify(Channel channel, String token, Identity identity) {
    boolean same =
        Objects.equals(channel.identity().userId(), identity.userId())
            && channel.identity().role() == identity.role();
    channel.identify(token, identity);
    if (same || !channel.needsUser() || !channels.holds(channel)) {
      timer.arm();
      inbound.resume();
      return;
    }
    if (identity.isAnonymous()) {
      writer.named(
          () ->
              LOG.warn(
                  "Channel {} got a token without a user in place of one with a user; it receives nothing until it joins again",
                  channel.topic()));
    }
    // Ends the old rights before the new ones hold, so that nothing is delivered by the old ones.
    channels.detach(channel);
    channels.presence().left(channel);
    channels
        .feeds()
        .admit(
            channel,
            new UserChannels.Admission() {
              @Override
              public void admitted() {
                goOn(channel);
              }

              @Override
              public void refused(String reason) {
                channels.dismiss(channel, reason, true);
                inbound.resume();
              }
            });
  }

  /** The channel receives changes by its new rights. */
  private void goOn(Channel channel) {
    Rights rights = channel.rights();
    if (!channels.holds(channel)) {
      channels.detach(channel); // It was closed meanwhile.
    } else if (rights != null && !channels.access().mayStay(channel, rights.audiences())) {
      channels.dismiss(channel, channel.membership().unauthorized(), true);
    } else {
      channel.conversations().forEach(Resumption::startAnew);
      channels.replays().resume(channel);
    }
    timer.arm();
    inbound.resume();
  }
}
