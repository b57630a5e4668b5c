//! What clients ask about a workflow, and about those for whom it runs.

use super::answer::seconds;
use super::fields::Field;
use super::files::{self, first_seen};
use super::ids;
use super::keys::App;
use super::reply::{Failure, Reply, answer};
use super::upload::limits;
use crate::data;
use crate::data::Data;
use crate::graph::Name;
use crate::serve::caller::Scope;
use crate::serve::service::Service;
use crate::store::Filter;

/// How many runs of somebody are looked at for when they first came.
const LOOKED: usize = 100;

fn name(app: &App) -> Name {
    let header = &app.served.program.main().header;
    header.name.as_ref().unwrap_or(&header.id).clone()
}

fn description(app: &App) -> Name {
    let header = &app.served.program.main().header;
    header
        .description
        .as_ref()
        .or(header.purpose.as_ref())
        .cloned()
        .unwrap_or_default()
}

/// Name and description.
pub(super) fn info(app: &App) -> Reply {
    app.caller.may(Scope::Read)?;
    Ok(answer(&data!({
        "name": name(app),
        "description": description(app),
        "tags": [],
        "mode": "workflow",
        "author_name": "",
    })))
}

/// The form for the input, and what may be uploaded.
pub(super) fn parameters(service: &Service, app: &App) -> Reply {
    app.caller.may(Scope::Read)?;
    let off = || data!({ "enabled": false });
    let form: Data = files::form(app).iter().map(Field::control).collect();
    let sizes = limits(service).map(|(sort, most)| {
        let name = match sort.word() {
            "document" => "file_size_limit".to_owned(),
            word => format!("{word}_file_size_limit"),
        };
        (Name::from(name), Data::from(most))
    });
    let limit = (Name::from("workflow_file_upload_limit"), Data::from(files::MOST));
    let sizes: Data = sizes.into_iter().chain([limit]).collect();
    let image = data!({
        "enabled": true, "number_limits": files::MOST, "transfer_methods": ["local_file", "remote_url"]
    });
    Ok(answer(&data!({
        "opening_statement": "",
        "suggested_questions": [],
        "suggested_questions_after_answer": off(),
        "speech_to_text": off(),
        "text_to_speech": off(),
        "retriever_resource": off(),
        "annotation_reply": off(),
        "more_like_this": off(),
        "user_input_form": form,
        "sensitive_word_avoidance": off(),
        "file_upload": {
            "enabled": true,
            "image": image,
            "number_limits": files::MOST,
            "allowed_file_types": ["document", "image", "audio", "video", "custom"],
            "allowed_file_upload_methods": ["local_file", "remote_url"],
            "fileUploadConfig": sizes.clone(),
        },
        "system_parameters": sizes,
    })))
}

/// What a page for it would be like.
pub(super) fn site(app: &App) -> Reply {
    app.caller.may(Scope::Read)?;
    Ok(answer(&data!({
        "title": name(app),
        "chat_color_theme": null,
        "chat_color_theme_inverted": false,
        "icon_type": "emoji",
        "icon": "⚙️",
        "icon_background": "#E4FBCC",
        "icon_url": null,
        "description": description(app),
        "copyright": null,
        "privacy_policy": null,
        "input_placeholder": null,
        "custom_disclaimer": "",
        "default_language": "en-US",
        "show_workflow_steps": true,
        "use_icon_as_answer_icon": false,
    })))
}

/// The icons of tools; there are none.
pub(super) fn meta(app: &App) -> Reply {
    app.caller.may(Scope::Read)?;
    Ok(answer(&data!({ "tool_icons": {} })))
}

/// Somebody for whom runs were begun, or who has uploaded files.
pub(super) async fn end_user(service: &Service, app: &App, id: &str) -> Reply {
    let unknown = || Failure::not_found("End user not found.");
    let user = ids::user(id).ok_or_else(unknown)?;
    let filter = Filter {
        workflow: Some(app.workflow.clone()),
        user: Some(user.clone()),
        limit: Some(LOOKED),
        ..Filter::default()
    };
    let runs = service.list(&app.caller, filter).await?;
    let uploaded = match app.caller.may_see(Some(&user)) {
        true => first_seen(service, &app.workflow, &user).await?,
        false => None,
    };
    let times = runs.iter().map(|entry| seconds(entry.started_at)).chain(uploaded);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else {
        return Err(unknown());
    };
    Ok(answer(&data!({
        "id": id,
        "tenant_id": null,
        "app_id": app.workflow.clone(),
        "type": "service_api",
        "external_user_id": user.clone(),
        "name": user.clone(),
        "is_anonymous": false,
        "session_id": user,
        "created_at": first,
        "updated_at": last,
    })))
}
