//! Every URL of the product, in one table. Handlers are named verb_noun and live with their
//! feature.

use crate::mailbox::pages as mailbox;
use crate::web::assets;
use actix_web::http::{Method, header};
use actix_web::middleware::from_fn;
use actix_web::web::{ServiceConfig, get, head, post, resource, scope};
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, Route};

pub fn routes(urls: &mut ServiceConfig) {
    operators(urls);
    staff(urls);
    providers(urls);
    audience(urls);
    segments(urls);
    content(urls);
    mailbox(urls);
    campaigns(urls);
    recipients(urls);
    signup(urls);
    api(urls);
}

fn operators(urls: &mut ServiceConfig) {
    urls.route("/healthz", get().to(crate::app::get_health))
        .route("/static/{path:.*}", get().to(assets::get_asset));
}

fn staff(urls: &mut ServiceConfig) {
    use crate::accounts::pages::settings::{activity, club, keys, sending, users};
    use crate::accounts::pages::{profile, setup, sign_in};
    urls.route("/", get().to(sign_in::get_start))
        .route("/sign-in", get().to(sign_in::get_sign_in))
        .route("/sign-in", post().to(sign_in::sign_in))
        .route("/sign-out", post().to(sign_in::sign_out))
        .route("/setup/{token}", get().to(setup::get_setup))
        .route("/setup/{token}", post().to(setup::set_up))
        .route("/join/{token}", get().to(setup::get_join))
        .route("/join/{token}", post().to(setup::join))
        .route("/profile", get().to(profile::get_profile))
        .route("/profile", post().to(profile::edit_profile))
        .route("/profile/calendar", post().to(profile::renew_calendar))
        .route("/profile/calendar/revoke", post().to(profile::revoke_calendar))
        .route("/profile/password", post().to(profile::change_password))
        .route("/profile/sessions/{id}/end", post().to(profile::end_session))
        .route("/settings", get().to(club::get_club))
        .route("/settings", post().to(club::edit_club))
        .route("/settings/sending", get().to(sending::get_sending))
        .route("/settings/sending", post().to(sending::edit_sending))
        .route("/settings/users", get().to(users::get_users))
        .route("/settings/users", post().to(users::add_user))
        .route("/settings/users/{id}/link", post().to(users::renew_link))
        .route("/settings/users/{id}/role", post().to(users::change_role))
        .route("/settings/users/{id}/disable", post().to(users::disable_user))
        .route("/settings/users/{id}/enable", post().to(users::enable_user))
        .route("/settings/keys", get().to(keys::get_keys))
        .route("/settings/keys", post().to(keys::create_key))
        .route("/settings/keys/site", post().to(keys::create_site_key))
        .route(
            "/settings/keys/site/{id}/revoke",
            post().to(keys::revoke_site_key),
        )
        .route("/settings/keys/{id}/revoke", post().to(keys::revoke_key))
        .route("/settings/activity", get().to(activity::get_activity));
}

fn providers(urls: &mut ServiceConfig) {
    use crate::providers::pages;
    urls.route("/settings/channels", get().to(pages::list_channels))
        .route("/settings/channels/new", get().to(pages::new_provider))
        .route("/settings/channels/new", post().to(pages::create_provider))
        .route("/settings/channels/{id}", get().to(pages::get_provider))
        .route("/settings/channels/{id}", post().to(pages::edit_provider))
        .route("/settings/channels/{id}/test", post().to(pages::test_provider))
        .route(
            "/settings/channels/{id}/activate",
            post().to(pages::activate_provider),
        )
        .route(
            "/settings/channels/{id}/deactivate",
            post().to(pages::deactivate_provider),
        )
        .route(
            "/settings/channels/{id}/delete",
            post().to(pages::delete_provider),
        );
}

fn audience(urls: &mut ServiceConfig) {
    use crate::audience::import::wizard::pages as import;
    urls.service(
        resource("/contacts/import")
            .app_data(import::upload_config())
            .route(get().to(import::get_upload))
            .route(post().to(import::upload_file)),
    )
    .route("/contacts/import/{id}", get().to(import::get_import))
    .route("/contacts/import/{id}", post().to(import::map_columns))
    .route("/contacts/import/{id}/confirm", post().to(import::confirm_import))
    .route("/contacts/import/{id}/cancel", post().to(import::cancel_import))
    .route(
        "/contacts/import/{id}/refused.csv",
        get().to(import::refused::get_refused),
    );

    use crate::audience::attributes::pages as attributes;
    urls.route("/settings/attributes", get().to(attributes::list_attributes))
        .route("/settings/attributes", post().to(attributes::add_attribute))
        .route("/settings/attributes/{name}", get().to(attributes::get_attribute))
        .route(
            "/settings/attributes/{name}",
            post().to(attributes::edit_attribute),
        )
        .route(
            "/settings/attributes/{name}/delete",
            post().to(attributes::delete_attribute),
        );

    use crate::audience::contacts::pages::{data, edit, erase, list, person};
    urls.route("/contacts", get().to(list::list_contacts))
        .route("/contacts/new", get().to(edit::new_contact))
        .route("/contacts/new", post().to(edit::create_contact))
        .route("/contacts/{id}", get().to(person::get_contact))
        .route("/contacts/{id}/data", post().to(data::export_data))
        .route("/contacts/{id}/consent", post().to(person::set_consent))
        .route("/contacts/{id}/edit", get().to(edit::get_edit))
        .route("/contacts/{id}/edit", post().to(edit::edit_contact))
        .route("/contacts/{id}/erase", get().to(erase::confirm_erasure))
        .route("/contacts/{id}/erase", post().to(erase::erase_contact));
}

fn segments(urls: &mut ServiceConfig) {
    use crate::audience::segments::pages::{edit, list, members, show};
    use crate::audience::suppressions::pages as suppressions;
    use crate::audience::topics::pages as topics;
    urls.route("/segments", get().to(list::list_segments))
        .route("/segments/new", get().to(edit::get_new_segment))
        .route("/segments/new", post().to(edit::create_segment))
        .route("/segments/preview", post().to(edit::preview_segment))
        .route("/segments/{id}", get().to(show::get_segment))
        .route("/segments/{id}/count", get().to(list::count_segment))
        .route("/segments/{id}/edit", get().to(edit::get_segment_editor))
        .route("/segments/{id}/edit", post().to(edit::edit_segment))
        .route("/segments/{id}/members", post().to(members::add_members))
        .route(
            "/segments/{id}/members/{contact}/remove",
            post().to(members::remove_member),
        )
        .route("/segments/{id}/archive", post().to(show::archive_segment))
        .route("/segments/{id}/restore", post().to(show::restore_segment))
        .route("/segments/{id}/delete", post().to(show::delete_segment))
        .route("/settings/topics", get().to(topics::list_topics))
        .route("/settings/topics", post().to(topics::add_topic))
        .route("/settings/topics/{id}", get().to(topics::get_topic))
        .route("/settings/topics/{id}", post().to(topics::edit_topic))
        .route("/settings/topics/{id}/archive", post().to(topics::archive_topic))
        .route("/settings/topics/{id}/restore", post().to(topics::restore_topic))
        .route(
            "/settings/suppressions",
            get().to(suppressions::list_suppressions),
        )
        .route("/settings/suppressions", post().to(suppressions::add_suppression))
        .route(
            "/settings/suppressions/{id}/remove",
            get().to(suppressions::confirm_removal),
        )
        .route(
            "/settings/suppressions/{id}/remove",
            post().to(suppressions::remove_suppression),
        );
}

fn content(urls: &mut ServiceConfig) {
    use crate::content::pages::{blocks, edit, gallery, list, preview, try_out, versions};
    urls.route("/templates", get().to(list::list_templates))
        .route("/templates/new", get().to(list::new_template))
        .route("/templates/new", post().to(list::create_template))
        .route("/templates/blocks", get().to(blocks::list_blocks))
        .route("/templates/blocks/new", get().to(blocks::new_block))
        .route("/templates/blocks/new", post().to(blocks::create_block))
        .route("/templates/blocks/draft", post().to(blocks::preview_block))
        .route("/templates/blocks/{id}", get().to(blocks::get_block))
        .route("/templates/blocks/{id}", post().to(blocks::edit_block))
        .route("/templates/blocks/{id}/html", get().to(blocks::block_html))
        .route("/templates/blocks/{id}/delete", post().to(blocks::delete_block))
        .route("/templates/gallery/{key}", get().to(gallery::get_starter))
        .route("/templates/{id}", get().to(edit::get_template))
        .route("/templates/{id}", post().to(edit::edit_template))
        .route("/templates/{id}/check", post().to(edit::check_template))
        .route("/templates/{id}/duplicate", post().to(edit::duplicate_template))
        .route("/templates/{id}/archive", post().to(edit::archive_template))
        .route("/templates/{id}/restore", post().to(edit::restore_template))
        .route("/templates/{id}/delete", post().to(edit::delete_template))
        .route("/templates/{id}/versions", get().to(versions::list_versions))
        .route(
            "/templates/{id}/versions/{number}/restore",
            post().to(versions::restore_version),
        )
        .route(
            "/templates/{id}/versions/{number}",
            get().to(preview::preview_version),
        )
        .route(
            "/templates/{id}/versions/{number}/html",
            get().to(preview::version_html),
        )
        .route("/templates/{id}/preview", get().to(preview::preview_template))
        .route("/templates/{id}/preview/html", get().to(preview::preview_html))
        .route("/templates/{id}/draft", post().to(preview::preview_draft))
        .route("/templates/{id}/test", post().to(try_out::send_test));
}

fn mailbox(urls: &mut ServiceConfig) {
    urls.route("/mailbox", get().to(mailbox::list_messages))
        .route("/mailbox/clear", get().to(mailbox::confirm_clearing))
        .route("/mailbox/clear", post().to(mailbox::clear_messages))
        .route("/mailbox/{id}", get().to(mailbox::get_message))
        .route("/mailbox/{id}/html", get().to(mailbox::get_message_html))
        .route("/mailbox/{id}/source.eml", get().to(mailbox::get_message_source));
}

fn campaigns(urls: &mut ServiceConfig) {
    use crate::campaigns::pages as campaign;
    use crate::campaigns::pages::journey;
    use crate::campaigns::pages::wizard::{audience, basics, content, review, schedule, social};
    urls.route("/campaigns", get().to(campaign::list_campaigns))
        .route("/campaigns/new", get().to(basics::get_new))
        .route("/campaigns/new", post().to(basics::create_campaign))
        .route("/campaigns/{id}", get().to(campaign::get_campaign))
        .route("/campaigns/{id}/row", get().to(campaign::get_row))
        .route("/campaigns/{id}/live", get().to(campaign::get_live))
        .route("/campaigns/{id}/basics", get().to(basics::get_basics))
        .route("/campaigns/{id}/basics", post().to(basics::save_basics))
        .route("/campaigns/{id}/audience", get().to(audience::get_audience))
        .route("/campaigns/{id}/audience", post().to(audience::save_audience))
        .route("/campaigns/{id}/reach", get().to(audience::get_reach))
        .route("/campaigns/{id}/content", get().to(content::get_content))
        .route("/campaigns/{id}/content", post().to(content::save_content))
        .route("/campaigns/{id}/preview", get().to(content::get_preview))
        .route("/campaigns/{id}/content/posts", post().to(social::preview_posts))
        .route("/campaigns/{id}/content/media", post().to(social::look_at_media))
        .route("/campaigns/{id}/schedule", get().to(schedule::get_schedule))
        .route("/campaigns/{id}/schedule", post().to(schedule::save_schedule))
        .route("/campaigns/{id}/when", get().to(schedule::get_when))
        .route("/campaigns/{id}/next-times", get().to(schedule::get_next_times))
        .route("/campaigns/{id}/feed", post().to(schedule::look_at_feed))
        .route(
            "/campaigns/{id}/occurrences/{original}",
            get().to(campaign::occurrence::get_occurrence),
        )
        .route(
            "/campaigns/{id}/occurrences/{original}",
            post().to(campaign::occurrence::edit_occurrence),
        )
        .route(
            "/campaigns/{id}/occurrences/{original}/skip",
            post().to(campaign::occurrence::skip_occurrence),
        )
        .route(
            "/campaigns/{id}/occurrences/{original}/restore",
            post().to(campaign::occurrence::restore_occurrence),
        )
        .route("/campaigns/{id}/review", get().to(review::get_review))
        .route("/campaigns/{id}/review", post().to(review::schedule_campaign))
        .route("/campaigns/{id}/winner", post().to(campaign::choose_winner))
        .route(
            "/campaigns/{id}/take-back",
            post().to(campaign::take_back_campaign),
        )
        .route(
            "/campaigns/{id}/{button:pause|resume|stop|finish|cancel}",
            post().to(campaign::press_button),
        )
        .route("/campaigns/{id}/stop", get().to(campaign::confirm_stop))
        .route("/events", get().to(campaign::events::list_events))
        .route("/campaigns/{id}/finish", get().to(campaign::confirm_finish))
        .route("/campaigns/{id}/cancel", get().to(campaign::confirm_cancel))
        .route(
            "/campaigns/{id}/duplicate",
            post().to(campaign::duplicate_campaign),
        )
        .route("/campaigns/{id}/delete", get().to(campaign::confirm_delete))
        .route("/campaigns/{id}/delete", post().to(campaign::delete_campaign));
    urls.route("/campaigns/{id}/journey", get().to(journey::get_journey))
        .route("/campaigns/{id}/journey/add", get().to(journey::get_add))
        .route("/campaigns/{id}/journey/add", post().to(journey::add_step))
        .route("/campaigns/{id}/journey/entry", get().to(journey::get_entry))
        .route("/campaigns/{id}/journey/entry", post().to(journey::edit_entry))
        .route("/campaigns/{id}/journey/people", get().to(journey::get_people))
        .route(
            "/campaigns/{id}/journey/people",
            post().to(journey::put_people_in),
        )
        .route(
            "/campaigns/{id}/journey/people/{contact}/out",
            post().to(journey::take_person_out),
        )
        .route("/campaigns/{id}/journey/publish", get().to(journey::get_publish))
        .route(
            "/campaigns/{id}/journey/publish",
            post().to(journey::publish_version),
        )
        .route("/campaigns/{id}/journey/try", get().to(journey::get_dry_run))
        .route(
            "/campaigns/{id}/journey/steps/{step}",
            get().to(journey::get_step),
        )
        .route(
            "/campaigns/{id}/journey/steps/{step}",
            post().to(journey::edit_step),
        )
        .route(
            "/campaigns/{id}/journey/steps/{step}/{way:up|down}",
            post().to(journey::move_step),
        )
        .route(
            "/campaigns/{id}/journey/steps/{step}/delete",
            get().to(journey::get_delete),
        )
        .route(
            "/campaigns/{id}/journey/steps/{step}/delete",
            post().to(journey::delete_step),
        );
    calendar(urls);
    reports(urls);
}

fn calendar(urls: &mut ServiceConfig) {
    use crate::campaigns::calendar::{self, pages};
    urls.route("/calendar", get().to(pages::get_calendar))
        .route("/calendar/move", get().to(calendar::get_move))
        .route("/calendar/move", post().to(calendar::move_campaign))
        .route("/calendar/{secret}", get().to(calendar::get_feed));
}

fn reports(urls: &mut ServiceConfig) {
    use crate::reports::{pages, people};
    urls.route("/campaigns/{id}/report", get().to(pages::get_report))
        .route("/campaigns/{id}/links.csv", get().to(pages::export_links))
        .route("/campaigns/{id}/people", get().to(people::list_people))
        .route("/campaigns/{id}/people.csv", get().to(people::export_people));
}

fn recipients(urls: &mut ServiceConfig) {
    use crate::tracking::{hooks, pages, preferences, site, unsubscribe, view};
    urls.route("/t/o/{token}", get().to(pages::get_pixel))
        .route("/t/o/{token}", head().to(pages::get_pixel))
        .route("/t/c/{token}", get().to(pages::get_click))
        .route("/t/c/{token}", head().to(pages::get_click))
        .route("/t/g/{key}", get().to(site::get_report))
        .route("/u/{token}", get().to(unsubscribe::get_unsubscribe))
        .route("/u/{token}", post().to(unsubscribe::unsubscribe))
        .route("/preferences/{token}", get().to(preferences::get_preferences))
        .route("/preferences/{token}", post().to(preferences::set_preferences))
        .route("/v/{token}", get().to(view::get_message))
        .route("/hooks/{key}", get().to(hooks::take_hook))
        .route("/hooks/{key}", post().to(hooks::take_hook));
}

fn signup(urls: &mut ServiceConfig) {
    use crate::signup::{pages, public};
    urls.route("/f/confirm/{token}", get().to(public::get_confirmation))
        .route("/f/confirm/{token}", post().to(public::confirm))
        .route("/f/{key}", get().to(public::get_form))
        .route("/f/{key}", post().to(public::sign_up))
        .route("/forms", get().to(pages::list_forms))
        .route("/forms/new", get().to(pages::get_new_form))
        .route("/forms/new", post().to(pages::create_form))
        .route("/forms/{id}", get().to(pages::get_form))
        .route("/forms/{id}/edit", get().to(pages::get_edit))
        .route("/forms/{id}/edit", post().to(pages::edit_form))
        .route("/forms/{id}/archive", post().to(pages::archive_form))
        .route("/forms/{id}/restore", post().to(pages::restore_form));
}

/// A handler for a method.
fn on<F, Args>(method: Method, handler: F) -> (Method, Route)
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    (method.clone(), actix_web::web::method(method).to(handler))
}

/// An address with what is done there. Another method is answered 405, with those that are taken.
fn at(path: &str, routes: impl IntoIterator<Item = (Method, Route)>) -> Resource {
    let mut allowed = Vec::new();
    let mut resource = resource(path);
    for (method, route) in routes {
        allowed.push(method.to_string());
        resource = resource.route(route);
    }
    let allowed = allowed.join(", ");
    resource.default_service(actix_web::web::to(move || {
        let allowed = allowed.clone();
        async move {
            HttpResponse::MethodNotAllowed()
                .insert_header((header::ALLOW, allowed))
                .finish()
        }
    }))
}

fn api(urls: &mut ServiceConfig) {
    use crate::api::{
        campaigns, captured, contacts, events, idempotency, openapi, segments, settings, templates,
    };
    urls.service(
        scope("/api/v1")
            .wrap(from_fn(idempotency::once))
            .service(at(
                "/campaigns",
                [
                    on(Method::GET, campaigns::list_campaigns),
                    on(Method::POST, campaigns::create_campaign),
                ],
            ))
            .service(at(
                "/campaigns/{id}",
                [
                    on(Method::GET, campaigns::get_campaign),
                    on(Method::PATCH, campaigns::edit_campaign),
                    on(Method::DELETE, campaigns::delete_campaign),
                ],
            ))
            .service(at(
                "/campaigns/{id}/content",
                [on(Method::PUT, campaigns::put_content)],
            ))
            .service(at(
                "/campaigns/{id}/{command:schedule|pause|resume|cancel}",
                [on(Method::POST, campaigns::command_campaign)],
            ))
            .service(at(
                "/campaigns/{id}/journey",
                [
                    on(Method::GET, campaigns::journey::get_journey),
                    on(Method::PUT, campaigns::journey::put_journey),
                ],
            ))
            .service(at(
                "/campaigns/{id}/journey/people",
                [on(Method::POST, campaigns::journey::put_people_in)],
            ))
            .service(at(
                "/campaigns/{id}/journey/publish",
                [on(Method::POST, campaigns::journey::publish_version)],
            ))
            .service(at(
                "/campaigns/{id}/winner",
                [on(Method::POST, campaigns::choose_winner)],
            ))
            .service(at(
                "/campaigns/{id}/stats",
                [on(Method::GET, campaigns::get_stats)],
            ))
            .service(at(
                "/campaigns/{id}/deliveries",
                [on(Method::GET, campaigns::list_deliveries)],
            ))
            .service(at(
                "/campaigns/{id}/occurrences",
                [on(Method::GET, campaigns::list_occurrences)],
            ))
            .service(at(
                "/campaigns/{id}/occurrences/{originalAt}",
                [on(Method::PATCH, campaigns::edit_occurrence)],
            ))
            .service(at(
                "/contacts/import",
                [on(Method::POST, contacts::import_contacts)],
            ))
            .service(at(
                "/contacts/{key}",
                [
                    on(Method::GET, contacts::get_contact),
                    on(Method::PUT, contacts::put_contact),
                    on(Method::DELETE, contacts::delete_contact),
                ],
            ))
            .service(at("/events", [on(Method::POST, events::post_events)]))
            .service(at("/openapi.json", [on(Method::GET, openapi::get_document)]))
            .service(at(
                "/segments/{key}",
                [
                    on(Method::GET, segments::get_segment),
                    on(Method::PUT, segments::put_segment),
                ],
            ))
            .service(at(
                "/segments/{key}/count",
                [on(Method::GET, segments::count_segment)],
            ))
            .service(at(
                "/templates/{key}",
                [
                    on(Method::GET, templates::get_template),
                    on(Method::PUT, templates::put_template),
                ],
            ))
            .service(at("/captured", [on(Method::GET, captured::list_captured)]))
            .service(at(
                "/settings",
                [
                    on(Method::GET, settings::get_settings),
                    on(Method::PUT, settings::put_settings),
                ],
            )),
    );
}
