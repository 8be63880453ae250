package com.gptdesk.chat.service.http;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.auth.InvalidToken;
import com.gptdesk.chat.service.auth.TokenVerifier;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * What every call under {@code /rest/v1} and {@code /storage/v1} passes: who calls, whether they
 * call too often, and what a failure becomes. Thread-safe.
 */
public final class CallGuard {
  private static final Logger LOG = LoggerFactory.getLogger(CallGuard.class);

  private final TokenVerifier tokens;
  private final RequestLimits limits;
  private final boolean enabled;
  private final LongAdder partitionsMissing = new LongAdder();

  /**
   * @param enabled false answers every call with 503 and says why
   */
  public CallGuard(TokenVerifier tokens, RequestLimits limits, boolean enabled) {
    this.tokens = tokens;
    this.limits = limits;
    this.enabled = enabled;
  }

  /** Calls that were refused because their month has no partition for messages. */
  public long partitionsMissing() {
    return partitionsMissing.sum();
  }

  /**
   * Answers a call. Never throws: errors are in the reply, and faults in the log as well.
   *
   * @param label method and name for the log, on one line
   * @param authorization the header, if any
   * @param apikey the header, if any
   * @param work answers a caller who may call now
   */
  public Reply answer(
      String label,
      @Nullable String authorization,
      @Nullable String apikey,
      Function<Identity, Reply> work) {
    return answer(label, authorization, apikey, work, Problem::reply);
  }

  /**
   * The same for another kind of answer.
   *
   * @param <T> of the answer
   * @param refused makes the answer of a problem
   */
  public <T> T answer(
      String label,
      @Nullable String authorization,
      @Nullable String apikey,
      Function<Identity, T> work,
      Function<Problem, T> refused) {
    Identity identity = null;
    try {
      if (!enabled) {
        throw switchedOff().stop();
      }
      identity = identify(authorization, apikey);
      Problem tooMany = limits.refusalOf(identity.userId());
      if (tooMany != null) {
        throw tooMany.stop();
      }
      return work.apply(identity);
    } catch (Problem.Stop e) {
      return refused.apply(e.problem());
    } catch (InvalidToken e) {
      return refused.apply(Errors.of(e));
    } catch (Refusal e) {
      Problem problem = Errors.of(e, identity == null || identity.isAnonymous());
      if (problem.status() >= 500) {
        LOG.warn("{} was answered {} {}: {}", label, problem.status(), e.code(), e.getMessage());
      }
      return refused.apply(problem);
    } catch (DatabaseUnavailable e) {
      LOG.warn("{} was not answered: {}", label, String.valueOf(e.getMessage()));
      if (e.isPartitionMissing()) {
        partitionsMissing.increment();
      }
      return refused.apply(Errors.of(e));
    } catch (RuntimeException | Error e) {
      return refused.apply(fault(label, identity, e));
    }
  }

  private Identity identify(@Nullable String authorization, @Nullable String apikey) {
    String token = bearer(authorization);
    if (token == null) {
      token = apikey;
    }
    return token == null || token.isEmpty() ? Identity.anonymous() : tokens.verify(token);
  }

  private static @Nullable String bearer(@Nullable String authorization) {
    if (authorization == null || !authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
      return null;
    }
    return authorization.substring(7).strip();
  }

  private static Problem switchedOff() {
    return Problem.of(503, "PT503", "The chat is switched off")
        .withHint("The operator has set CHAT_ENABLED=false; try again later");
  }

  private static Problem fault(String label, @Nullable Identity identity, Throwable cause) {
    String known = MDC.get(RequestId.FIELD);
    String id = known == null ? RequestId.of(null) : known;
    LOG.error(
        "{} failed as request {} of {}; the client gets \"internal\"",
        label,
        id,
        identity == null
            ? "an unverified caller"
            : identity.userId() != null ? identity.userId() : identity.role(),
        cause);
    return Problem.of(500, "PGRSTX00", "internal")
        .withDetails("request " + id)
        .withHint("Tell the operator the id of this request")
        .withHeader("X-Request-Id", id);
  }
}
