package com.gptdesk.chat.spring;

import com.gptdesk.chat.client.LiveChanges;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.function.ToDoubleFunction;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Health and metrics of {@link LiveChanges}, where the application has Actuator. */
@AutoConfiguration(after = ChatAutoConfiguration.class)
@ConditionalOnBean(LiveChanges.class)
public class ChatActuatorAutoConfiguration {

  private static final String LATE =
      "Changes may be late: a connection to the database is replaced";

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(org.springframework.boot.actuate.health.HealthIndicator.class)
  @ConditionalOnProperty(name = "management.health.chat.enabled", matchIfMissing = true)
  static class HealthInBoot3 {

    @Bean
    org.springframework.boot.actuate.health.HealthIndicator chatHealthIndicator(LiveChanges live) {
      return () ->
          live.isUpToDate()
              ? org.springframework.boot.actuate.health.Health.up().build()
              : org.springframework.boot.actuate.health.Health.down()
                  .withDetail("reason", LATE)
                  .build();
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(org.springframework.boot.health.contributor.HealthIndicator.class)
  @ConditionalOnProperty(name = "management.health.chat.enabled", matchIfMissing = true)
  static class HealthInBoot4 {

    @Bean
    org.springframework.boot.health.contributor.HealthIndicator chatHealthIndicator(
        LiveChanges live) {
      return () ->
          live.isUpToDate()
              ? org.springframework.boot.health.contributor.Health.up().build()
              : org.springframework.boot.health.contributor.Health.down()
                  .withDetail("reason", LATE)
                  .build();
    }
  }

  /** By the names that the service gives them. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(MeterBinder.class)
  static class Metrics {

    @Bean
    MeterBinder chatMetrics(LiveChanges live) {
      return registry -> {
        Gauge.builder("chat.relay.up.to.date", live, l -> l.isUpToDate() ? 1 : 0)
            .description("1 while changes arrive in time")
            .register(registry);
        Gauge.builder("chat.live.subscriptions", live, LiveChanges::subscriptions)
            .description("Open subscriptions")
            .register(registry);
        count(
            registry,
            "chat.relay.changes",
            "Changes read from the change log",
            live,
            LiveChanges::changes);
        count(
            registry,
            "chat.relay.resyncs",
            "Times the relay started again and everybody had to catch up",
            live,
            LiveChanges::resyncs);
        count(
            registry,
            "chat.relay.reconnects",
            "Lost connections to the database that were replaced",
            live,
            LiveChanges::reconnects);
      };
    }

    private static void count(
        MeterRegistry registry,
        String name,
        String description,
        LiveChanges live,
        ToDoubleFunction<LiveChanges> value) {
      FunctionCounter.builder(name, live, value).description(description).register(registry);
    }
  }
}
